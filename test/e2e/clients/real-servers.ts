import { spawnSync } from 'node:child_process';
import { delimiter, dirname } from 'node:path';
import type { Call } from '../../kit/clients/client.ts';
import { officialServer } from '../../kit/servers.ts';
import { npx, npxEnvironment, npxPackage } from '../../services/npx.ts';
import type { Prepared } from '../../services/prepared.ts';
import { pinned, python, pythonProgram, uvxEnvironment } from '../../services/python.ts';
import { known, type Place } from './place.ts';

/** A server, what starts it, and what it is asked. */
export interface RealServer {
  readonly name: string;
  readonly needs?: readonly Prepared[];
  /** Typed as a person would: what has to be found in PATH has no folder. */
  readonly command: readonly [string, ...string[]];
  readonly env?: () => Readonly<Record<string, string>>;
  readonly calls: readonly KnownCall[];
}

interface KnownCall extends Call {
  /** Stands in the text of the answer. */
  readonly known: string;
}

/** The servers in all the ways in which they are launched; each is asked what has one answer. */
export function realServers(place: Place): readonly RealServer[] {
  const everything = [
    { tool: 'get-sum', arguments: { a: 2, b: 3 }, known: 'The sum of 2 and 3 is 5.' },
    { tool: 'get-env', arguments: {}, known: 'TOKEN' },
  ];
  const noon = { source_timezone: 'UTC', time: '12:00', target_timezone: 'Asia/Tokyo' };
  const time = [{ tool: 'convert_time', arguments: noon, known: 'T21:00:00+09:00' }];
  const history = { repo_path: place.folder, max_count: 1 };
  const log = [{ tool: 'git_log', arguments: history, known: known.commit }];
  const page = [{ tool: 'fetch', arguments: { url: place.url }, known: known.page }];
  return [
    { name: 'everything', command: ['node', officialServer('everything')], calls: everything },
    {
      name: 'filesystem',
      command: ['node', officialServer('filesystem'), place.folder],
      calls: [{ tool: 'read_text_file', arguments: { path: place.file }, known: known.line }],
    },
    {
      name: 'memory',
      command: ['node', officialServer('memory')],
      env: () => ({ MEMORY_FILE_PATH: place.graph }),
      calls: [{ tool: 'open_nodes', arguments: { names: ['broker'] }, known: known.entity }],
    },
    {
      name: 'time by python -m',
      needs: [python],
      command: ['python', '-m', 'mcp_server_time'],
      calls: time,
    },
    {
      name: 'fetch by python -m',
      needs: [python],
      command: ['python', '-m', 'mcp_server_fetch', '--ignore-robots-txt', '--allow-private-ips'],
      calls: page,
    },
    { name: 'git by its script', needs: [python], command: ['mcp-server-git'], calls: log },
    {
      name: 'everything by npx -y',
      needs: [npx],
      command: ['npx', '-y', npxPackage],
      env: npxEnvironment,
      calls: everything,
    },
    {
      name: 'time by uvx',
      needs: [python],
      command: ['uvx', pinned('mcp-server-time')],
      env: uvxEnvironment,
      calls: time,
    },
    {
      name: 'git by uvx',
      needs: [python],
      command: ['uvx', pinned('mcp-server-git'), '--repository', place.folder],
      env: uvxEnvironment,
      calls: log,
    },
    {
      name: 'everything by sh -c',
      command: ['sh', '-c', `node '${officialServer('everything')}'; exit $?`],
      calls: everything,
    },
  ];
}

/** Where the commands above are found. */
export function searchPath(base: string): string {
  const npxPath = String(spawnSync('sh', ['-c', 'command -v npx']).stdout);
  return [base, dirname(pythonProgram('python')), dirname(npxPath)].join(delimiter);
}
