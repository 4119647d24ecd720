import type {
  BackendTool,
  LaunchDescription,
  LaunchPackage,
  PendingApproval,
  RequestedTool,
  RequestedVariable,
} from '@mcp-broker/daemon/protocol';

import { aligned, type Line } from '../output/fold.ts';
import { quoteMarked as quote } from '../output/look-alike.ts';
import type { Style } from '../output/print.ts';
import { escape } from '../output/terminal.ts';
import { changeLines } from './change-text.ts';

/** A label, and what it is of: escaped, on one line. */
export type Entry = readonly [label: string, text: string, style?: Style];

/**
 * A request, whole, for the person who decides on it, first in what it differs from what was approved
 * before. Every text that the caller could choose is quoted, escaped and marked where it is not what
 * it reads as; what the daemon itself found out is escaped; none is cut.
 */
export function requestLines(request: PendingApproval): Line[] {
  const { launch, variables, granted, tool, tools = [] } = request;
  const entries: Entry[] = [
    ['request', `${escape(request.id)}, kept until ${escape(request.expires)}`],
    ...(tool === undefined
      ? [serverEntry(request), ...launchEntries(launch), ...folderEntries(request)]
      : toolEntries(tool, launch)),
    ['asked by', `process ${request.pid}, ${escape(request.requested)}`],
    ['fingerprint', escape(request.fingerprint)],
    ...variables.flatMap(variableEntries),
    ...granted.map((name): Entry => ['has already', quote(name)]),
  ];
  return [...changeLines(request), ...aligned(entries), ...tools.flatMap(neededLines)];
}

function serverEntry({ server }: PendingApproval): Entry {
  return ['server', server === undefined ? '-' : `${quote(server)} (as the caller says)`];
}

/** The commands of a backend that a launch needs: what the daemon itself would run for it. */
function neededLines({ tool, launch, fingerprint, limit, changes }: RequestedTool): Line[] {
  const head: Line = {
    head: '',
    text: 'and to read from there, the broker itself runs what nobody has approved yet:',
    style: 'bold',
  };
  const entries: Entry[] = [
    ...toolEntries(tool, launch),
    ['fingerprint', escape(fingerprint)],
    ...(limit === undefined ? [] : [['limit', escape(limit.reason)] as const]),
  ];
  const differences = changes === undefined ? {} : { changes };
  return [head, ...changeLines({ launch, ...differences }), ...aligned(entries)];
}

function toolEntries(tool: BackendTool, launch: LaunchDescription): Entry[] {
  return [
    ['backend', `${quote(tool.backend)}, whose commands the broker runs itself, without a shell`],
    ...(['get', 'set', 'list'] as const).flatMap((operation): Entry[] => {
      const argv = tool[operation];
      return argv === undefined ? [] : [[operation, argv.map(quote).join(' ')]];
    }),
    ...launchEntries(launch).slice(launch.argv.length),
    ['runs in', quote(launch.workingDirectory ?? '/')],
  ];
}

function folderEntries({ launch, workingDirectory }: PendingApproval): Entry[] {
  const asked: Entry = ['asked for in', quote(workingDirectory)];
  if (launch.workingDirectory === undefined) return [asked];
  const runs: Entry = ['runs in', `${quote(launch.workingDirectory)} (and there alone)`];
  return launch.workingDirectory === workingDirectory ? [runs] : [runs, asked];
}

function launchEntries(launch: LaunchDescription): Entry[] {
  const [command = '', ...args] = launch.argv;
  return [
    ['command', quote(command)],
    ...args.map((text, index): Entry => [`argument ${index + 1}`, quote(text)]),
    ...(launch.allowArgs
      ? [['in arguments', 'values too, where every process can read them', 'yellow'] as const]
      : []),
    ...launch.files.flatMap(({ role, path, digest }, index): Entry[] => [
      [`file ${index + 1}`, `${quote(path)} (${escape(role)})`],
      ['  sha256', escape(digest)],
    ]),
    ...packageEntries(launch.package),
    ...launch.environment.map(({ name, value, origin }): Entry => [
      'environment',
      `${quote(name)} = ${quote(value)} (${origins[origin]})`,
    ]),
    ...launch.inherited.map(({ name, value, digest }): Entry => [
      'inherits',
      value === undefined
        ? `${quote(name)}, its value has the sha256 ${escape(digest)}`
        : `${quote(name)} = ${quote(value)}`,
    ]),
    ...(launch.searchPath === undefined
      ? []
      : [['finds by PATH', quote(launch.searchPath)] as const]),
    ['comes from', quote(launch.origin)],
  ];
}

const origins = { inherited: 'inherited', entry: 'set by the entry' } as const;

function packageEntries(found: LaunchPackage | undefined): Entry[] {
  if (found === undefined) return [];
  const { runner, name, pinned, installed } = found;
  return [
    ['package', `${quote(name)}, run by ${quote(runner)}`],
    pinned === undefined
      ? ['  version', 'not pinned: another one may run next time', 'yellow']
      : ['  version', `${quote(pinned)} is asked for`],
    ...(installed === undefined ? [] : [['  installed', quote(installed)] as const]),
  ];
}

function variableEntries(variable: RequestedVariable): Entry[] {
  const { name, backend, kind, origin, locator, reference, into, steers } = variable;
  return [
    ['wants', `${quote(name)} (${quote(reference)})`, 'bold'],
    ['  from', `${quote(backend)}, ${escape(kind)}: ${quote(origin)}`],
    ['  at', quote(locator)],
    ['  as', into.map(quote).join(', ')],
    ...(steers.length === 0
      ? []
      : [
          [
            '  steers',
            `as ${steers.map(quote).join(', ')} it steers the process: approve it by name`,
            'yellow',
          ] as const,
        ]),
  ];
}
