import { readdirSync } from 'node:fs';
import { hasVariable, readStat, variableValues, type ProcessStat } from '../platform/proc.ts';

/** One process for ever: a pid alone may be another's by the time that it is signalled. */
export interface ProcessId {
  readonly pid: number;
  /** In the kernel's own unit. */
  readonly startTime: string;
}

/** What a launch started, as far as it can be told. */
export interface TreeOptions {
  /** The server; undefined when nobody was told its pid. Without a start time it has ended. */
  readonly root?: { readonly pid: number; readonly startTime?: string | undefined };
  /** It was started as the leader of a session of its own, of which some may live longer than it. */
  readonly ownSession: boolean;
  /** The launch id that its environment carries. */
  readonly launch?: string | undefined;
  /** Nothing that started before this belongs to it: the start time of the wrapper. */
  readonly since: string;
}

/** Of a clock: a look at all processes takes its time too, and on a loaded machine much. */
export interface Waiting {
  sleep(ms: number): Promise<void>;
  monotonic(): number;
}

export interface Tree {
  /**
   * What lives of it: the server, its session, what descends from them or from what was seen before, and
   * what carries the launch id. A process that left the session, lost its parents before anybody looked
   * and has cleared its environment is not found.
   */
  living(): readonly ProcessId[];
  signal(signal: NodeJS.Signals): void;
  /**
   * SIGTERM, and SIGKILL for what is left after `graceMs`, which may become shorter meanwhile. Gives whether
   * there was anything.
   */
  end(graceMs: () => number, waiting: Waiting): Promise<boolean>;
}

/** The one name of ours in a server's environment: the id of its launch. */
export const launchMark = 'MCP_LAUNCH';

const pollMs = 20;
/** What still lives a second after SIGKILL is stuck in the kernel: nobody can do more. */
const killRounds = 50;

/** Reads /proc: where there is none it finds nothing. */
export function createTree(options: TreeOptions): Tree {
  /** Members that were seen, by pid. */
  const seen = new Map<number, string>();

  const isMember = (pid: number, stat: ProcessStat, session: number | undefined): boolean => {
    const { root, launch } = options;
    if (seen.get(pid) === stat.startTime) return true;
    if (pid === root?.pid && root.startTime === stat.startTime) return true;
    if (session !== undefined && stat.session === session) return true;
    return launch !== undefined && hasVariable(pid, launchMark, launch);
  };

  /** The session that the root leads or has led; not one of a stranger that has got its pid since. */
  const ownSession = (candidates: ReadonlyMap<number, ProcessStat>): number | undefined => {
    const { root } = options;
    if (!options.ownSession || root === undefined) return undefined;
    const now = candidates.get(root.pid);
    return now === undefined || now.startTime === root.startTime ? root.pid : undefined;
  };

  const living = (): readonly ProcessId[] => {
    const candidates = processesSince(options.since);
    const session = ownSession(candidates);
    const members = new Map<number, string>();
    for (const [pid, stat] of candidates) {
      if (isMember(pid, stat, session)) members.set(pid, stat.startTime);
    }
    // Children of members, until a round finds none.
    for (let before = -1; before !== members.size;) {
      before = members.size;
      for (const [pid, { parent, startTime }] of candidates) {
        if (members.has(parent)) members.set(pid, startTime);
      }
    }
    seen.clear();
    for (const [pid, startTime] of members) seen.set(pid, startTime);
    return [...members].map(([pid, startTime]) => ({ pid, startTime }));
  };

  const signal = (name: NodeJS.Signals): void => {
    for (const one of living()) signalProcess(one, name);
  };

  return {
    living,
    signal,
    async end(graceMs, { sleep, monotonic }) {
      if (living().length === 0) return false;
      signal('SIGTERM');
      // Not by the number of looks: on a machine with much other work each takes long itself.
      const began = monotonic();
      while (monotonic() - began < graceMs()) {
        await sleep(pollMs);
        if (living().length === 0) return true;
      }
      for (let round = 0; round < killRounds && living().length > 0; round += 1) {
        signal('SIGKILL');
        await sleep(pollMs);
      }
      return true;
    },
  };
}

/** The launches of which some process carries the id, in one look at all. */
export function markedLaunches(): ReadonlySet<string> {
  return new Set(listProcesses().flatMap((name) => variableValues(Number(name), launchMark)));
}

/** Looks at the start time directly before. */
function signalProcess({ pid, startTime }: ProcessId, signal: NodeJS.Signals): void {
  if (readStat(pid)?.startTime !== startTime) return;
  try {
    process.kill(pid, signal);
  } catch {
    // It has just ended, or has become another user's.
  }
}

/** All but ourselves, by pid. */
function processesSince(since: string): Map<number, ProcessStat> {
  const earliest = BigInt(since);
  const found = new Map<number, ProcessStat>();
  for (const name of listProcesses()) {
    const pid = Number(name);
    if (!Number.isSafeInteger(pid) || pid === process.pid) continue;
    const stat = readStat(pid);
    if (stat !== undefined && BigInt(stat.startTime) >= earliest) found.set(pid, stat);
  }
  return found;
}

function listProcesses(): readonly string[] {
  try {
    return readdirSync('/proc');
  } catch {
    return [];
  }
}
