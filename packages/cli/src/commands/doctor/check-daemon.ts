import { readFileSync } from 'node:fs';

import { readConfig } from '@mcp-broker/daemon/config';
import type { Status } from '@mcp-broker/daemon/protocol';

import { word } from '../../output/hint.ts';
import { size } from '../../output/duration.ts';
import { version } from '../../version.ts';
import { serviceFindings } from '../../service/findings.ts';
import { stopAndWait } from '../daemon.ts';
import { using, type Session } from '../session.ts';
import { isRunning } from './daemon-facts.ts';
import type { Facts } from './facts.ts';
import { finding, type Finding } from './finding.ts';

/** The daemon and its socket. That none runs is no finding: it starts by itself. */
export function checkDaemon(facts: Facts): readonly Finding[] {
  if (facts.files.length === 0) return [];
  return [...checkSocket(facts), ...checkService(facts), ...checkStatus(facts)];
}

function checkService({ service }: Facts): readonly Finding[] {
  if (service === undefined) return [];
  const { name } = service.service;
  return serviceFindings(service).map(({ id, message, hint }) =>
    finding(id, name, { cause: message, remedy: hint }),
  );
}

function checkSocket({ paths, files, daemon, service }: Facts): readonly Finding[] {
  const { problem } = daemon;
  if (problem?.code === 'ERR_PATH_TOO_LONG') {
    const remedy = problem.hint ?? 'choose a shorter folder with --home or MCP_HOME';
    return [finding('path-too-long', paths.socket, { cause: problem.message, remedy })];
  }
  const socket = files.find(({ path }) => path === paths.socket);
  if (socket !== undefined && (socket.kind !== 'socket' || !socket.isOurs)) {
    const what = socket.isOurs ? 'something else stands' : 'the socket of another user stands';
    return [
      finding('socket-foreign', paths.socket, {
        cause: `${what} where the daemon’s socket has to be`,
        remedy: `mv ${word(paths.socket)} ${word(paths.socket)}.aside, then: mcp daemon start`,
      }),
    ];
  }
  // What the home's modes keep from being asked is told with them.
  if (problem !== undefined && problem.code !== 'ERR_INSECURE_FILE') {
    return [
      finding('daemon-unreachable', paths.socket, {
        cause: problem.message,
        remedy: problem.hint ?? 'mcp daemon restart',
      }),
    ];
  }
  if (socket === undefined || isRunning(daemon) || problem !== undefined) return [];
  // A service manager listens, and starts the daemon for whoever comes.
  if (service?.state.manager === 'waiting') return [];
  return [
    finding('socket-stale', paths.socket, {
      cause: 'nobody listens on it: a daemon ended without its usual end',
      remedy: 'mcp daemon start',
      // A daemon that starts takes its place in one step; to remove it could meet one that has just started.
      mend: async (session) => `the daemon runs again, pid ${await startedPid(session)}`,
    }),
  ];
}

function checkStatus(facts: Facts): readonly Finding[] {
  const { daemon, paths } = facts;
  const { status, other } = daemon;
  if (other !== undefined) return [otherVersion(other)];
  if (status === undefined) return checkLimit();
  const { memory, pending } = status;
  const swappable =
    memory.locked === null || memory.locked >= memory.reserved
      ? []
      : [
          finding('memory-swappable', `pid ${status.pid}`, {
            cause: `${size(memory.reserved - memory.locked)} of the memory for secrets may be written to swap: the limit of locked memory is too low`,
            remedy: 'raise it (ulimit -l, LimitMEMLOCK= of a unit), then: mcp daemon restart',
          }),
        ];
  const audit =
    status.audit.state === 'ok'
      ? []
      : [
          finding('audit-failing', paths.audit, {
            cause: 'the last line of the audit could not be written, so no secret is given out',
            remedy: `df -h ${word(paths.audit)}, then ls -la ${word(paths.audit)}`,
          }),
        ];
  const waits =
    pending === 0
      ? []
      : [
          finding('approval-pending', 'approvals', {
            cause: `${pending} ${pending === 1 ? 'launch waits' : 'launches wait'} for you`,
            remedy: 'mcp approve',
          }),
        ];
  return [...swappable, ...audit, ...checkKeys(status), ...waits];
}

function otherVersion({ pid, version: its }: Pick<Status, 'version' | 'pid'>): Finding {
  return finding('daemon-version', `pid ${pid}`, {
    cause: `the daemon is of version ${its}, and this command of ${version}`,
    remedy: 'mcp daemon restart',
    mend: async (session) => {
      // It goes on with the file of before; a new one could not start with a broken file.
      readConfig(session.paths.config);
      await stopAndWait(session);
      return `a daemon of version ${version} runs, pid ${await startedPid(session)}; unlock it: mcp unlock`;
    },
  });
}

/** Of a home on the keychain: what keeps its key from being read. */
function checkKeys({ home, keys: { problem } }: Status): readonly Finding[] {
  if (problem === undefined) return [];
  const remedy = problem.hint ?? 'mcp unlock';
  return [finding('keys-locked', home, { cause: problem.message, remedy })];
}

/** A slab of values, and room for the next. */
const leastLocked = 1024 * 1024;

/** Of the daemon that would be started from here. A process with rights of root may lock more than the limit. */
function checkLimit(): readonly Finding[] {
  const limit = lockedMemoryLimit();
  if (limit === undefined || limit >= leastLocked || process.geteuid?.() === 0) return [];
  return [
    finding('memory-limit', 'ulimit -l', {
      cause: `a daemon that is started here keeps no more than ${size(limit)} out of swap`,
      remedy: 'raise it to 1024 at least: ulimit -l, or memlock in limits.conf',
    }),
  ];
}

/** Bytes; undefined where the kernel does not say. */
function lockedMemoryLimit(): number | undefined {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8');
    const soft = /^Max locked memory\s+(\S+)/mu.exec(limits)?.[1];
    return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return undefined;
  }
}

async function startedPid(session: Session): Promise<number> {
  const { result } = await using(await session.connect(), (client) =>
    client.call('broker.status', {}),
  );
  return result.pid;
}
