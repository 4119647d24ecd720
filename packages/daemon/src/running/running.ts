import type { AuditEvent } from '../audit/event.ts';
import type { Clock } from '../clock.ts';
import { createHeldLaunches } from './held-launches.ts';
import type { LaunchJournal, RunningLaunch } from './launch-journal.ts';
import type { Connection } from '../listener/handler.ts';
import type { Peer } from '../listener/peer.ts';
import { noLaunch, requireServer } from './launch-server.ts';
import type { Platform } from '../platform/platform.ts';
import { createTree, markedLaunches, type ProcessId } from '../processes/tree.ts';

/** What runs with values of ours. */
export interface Running {
  readonly list: readonly RunningLaunch[];
  /** The values are about to go out to this wrapper, which may be about to become the server. */
  taken(launch: RunningLaunch, connection: Connection): void;
  /**
   * The wrapper names its server: after the spawn, and again to a daemon that has restarted. Throws
   * `ERR_DENIED` for a launch that is not that wrapper's, a process that is not its child, or another one
   * than it has named before.
   */
  started(launch: string, pid: number, peer: Peer, connection: Connection): void;
  /**
   * The server has ended, and the wrapper is about to; or the wrapper could not become the server. Throws
   * `ERR_DENIED`, also for the server that a wrapper has become.
   */
  ended(launch: string, peer: Peer, exit: number, connection: Connection): void;
  /** Ends what killed wrappers left while no daemon ran; the others may come back. */
  resume(): void;
  stop(): void;
}

export interface RunningOptions {
  readonly journal: LaunchJournal;
  readonly platform: Platform;
  readonly clock: Clock;
  readonly record: (line: AuditEvent) => void;
}

/** From SIGTERM to SIGKILL. */
const graceMs = 2000;
/** The connection of a process that is killed ends a moment before the process does. */
const soonMs = 50;
/** How often what has no connection is looked at: a wrapper that lost it, and a server that a wrapper became. */
const everyMs = 2000;
/** Launches of one wrapper of which no server runs; of more the oldest is forgotten. */
const maxWithoutServer = 64;

export function createRunning(options: RunningOptions): Running {
  const { journal, platform, clock, record } = options;
  const known = new Map<string, RunningLaunch>();
  /** A launch whose wrapper holds no connection is looked at now and then. */
  const held = createHeldLaunches(() => {
    if (!stopped) lookIn(soonMs);
  });
  /** Launches of each wrapper, in the order in which their values went out. */
  const wrappers = new Map<string, Set<string>>();
  /** Servers that lead a session. Not in the journal: its number may be a stranger's after a while. */
  const leaders = new Set<string>();
  let cancel: (() => void) | undefined;
  let stopped = false;

  const waiting = {
    sleep: (ms: number): Promise<void> =>
      new Promise((resolve) => {
        clock.after(ms, resolve);
      }),
    monotonic: () => clock.monotonic(),
  };
  const know = (launch: RunningLaunch): void => {
    const key = keyOf(launch.wrapper);
    const launches = wrappers.get(key) ?? new Set();
    wrappers.set(key, launches.add(launch.launch));
    known.set(launch.launch, launch);
  };
  const forget = (launch: string): void => {
    const found = known.get(launch);
    const key = found === undefined ? '' : keyOf(found.wrapper);
    const launches = wrappers.get(key);
    launches?.delete(launch);
    if (launches?.size === 0) wrappers.delete(key);
    known.delete(launch);
    leaders.delete(launch);
    held.letGo(launch);
  };

  const put = (launch: RunningLaunch, without: readonly string[] = []): void => {
    for (const other of without) forget(other);
    know(launch);
    journal.put(launch, without);
  };

  const drop = (launch: string): void => {
    forget(launch);
    journal.remove(launch);
  };

  const endLeft = async (launch: RunningLaunch): Promise<void> => {
    const tree = createTree({
      ...(launch.process === undefined ? {} : { root: launch.process }),
      ownSession: leaders.has(launch.launch),
      launch: launch.launch,
      since: launch.wrapper.startTime,
    });
    // No longer looked at, and still in the journal until it is done.
    forget(launch.launch);
    const left = await tree.end(() => graceMs, waiting);
    journal.remove(launch.launch);
    if (left || launch.process !== undefined) record({ ...lineOf(launch), outcome: 'failed' });
  };

  const lives = ({ pid, startTime }: ProcessId): boolean => platform.startTime(pid) === startTime;

  /** A wrapper became it: its exit code was its parent's to read, and what it left is not ours to end. */
  const endOfServer = (launch: RunningLaunch): void => {
    drop(launch.launch);
    record({ ...lineOf(launch), outcome: 'allowed' });
  };

  const look = (): void => {
    cancel = undefined;
    if (stopped) return;
    const lost = [...known.values()].filter(
      ({ launch, wrapper }) => !held.has(launch) && !lives(wrapper),
    );
    // There may be thousands, and to look at all processes for each of them would take minutes.
    const marked = lost.some(({ process }) => process === undefined) ? markedLaunches() : new Set();
    for (const launch of lost) {
      if (launch.replaced === true) endOfServer(launch);
      else if (launch.process !== undefined || marked.has(launch.launch)) void endLeft(launch);
      else drop(launch.launch);
    }
    if ([...known.keys()].some((launch) => !held.has(launch))) lookIn(everyMs);
  };
  const lookIn = (ms: number): void => {
    cancel?.();
    cancel = clock.after(ms, look);
  };

  /** Other launches of its wrapper, the oldest first. */
  const others = ({ launch, wrapper }: RunningLaunch): RunningLaunch[] =>
    [...(wrappers.get(keyOf(wrapper)) ?? [])].flatMap((other) =>
      other === launch ? [] : (known.get(other) ?? []),
    );

  /** Whoever takes values again and again, by whichever connection, may not fill our memory. */
  const oneTooMany = ({ wrapper }: RunningLaunch): string[] => {
    const launches = wrappers.get(keyOf(wrapper));
    if (launches === undefined || launches.size < maxWithoutServer) return [];
    let oldest: string | undefined;
    let idle = 0;
    for (const launch of launches) {
      const process = known.get(launch)?.process;
      if (process !== undefined && lives(process)) continue;
      oldest ??= launch;
      idle += 1;
    }
    return oldest === undefined || idle < maxWithoutServer ? [] : [oldest];
  };

  /** A process becomes one server: what it took for another went nowhere. */
  const dropReplaced = (launch: RunningLaunch): void => {
    for (const other of others(launch)) if (other.replaced === true) drop(other.launch);
  };

  /** Who started the wrapper: nobody waits for values until that is looked up. */
  const withParent = (launch: RunningLaunch): RunningLaunch => {
    if (launch.parent !== undefined) return launch;
    const facts = platform.process(launch.wrapper.pid);
    if (facts === undefined || facts.startTime !== launch.wrapper.startTime) return launch;
    const name = platform.process(facts.parent)?.name;
    return name === undefined ? launch : { ...launch, parent: { pid: facts.parent, name } };
  };

  const resolve = (launch: string, { pid, startTime }: Peer): RunningLaunch => {
    const found = known.get(launch);
    if (found?.wrapper.pid === pid && found.wrapper.startTime === startTime) return found;
    throw noLaunch();
  };

  return {
    get list() {
      return [...known.values()]
        .filter((launch) => launch.replaced !== true || lives(launch.wrapper))
        .map(withParent);
    },
    taken(launch, connection) {
      if (launch.replaced === true) dropReplaced(launch);
      // Of what becomes the server nobody hears any more.
      put(launch.replaced === true ? withParent(launch) : launch, oneTooMany(launch));
      held.hold(launch.launch, connection);
    },
    started(launch, pid, peer, connection) {
      const found = resolve(launch, peer);
      if (found.replaced === true) throw noLaunch();
      const facts = platform.process(pid);
      // It may have ended already: what it left is known by its mark.
      if (facts !== undefined) {
        requireServer(found, pid, facts, others(found));
        if (found.process === undefined) {
          put({ ...withParent(found), process: { pid, startTime: facts.startTime } });
        }
        if (facts.leadsSession) leaders.add(launch);
      }
      held.hold(launch, connection);
    },
    ended(launch, peer, exit, connection) {
      const found = resolve(launch, peer);
      if (found.replaced === true) {
        // A program that a wrapper has become has none of its connections.
        if (held.by(launch) !== connection) throw noLaunch();
        drop(launch);
        return;
      }
      drop(launch);
      record({ ...lineOf(found), outcome: 'allowed', exit });
    },
    resume() {
      for (const launch of journal.before) know(launch);
      if (known.size > 0) lookIn(soonMs);
    },
    stop() {
      stopped = true;
      cancel?.();
    },
  };

  function lineOf(launch: RunningLaunch): Omit<AuditEvent, 'outcome'> {
    const { server, variables, wrapper, since } = launch;
    return {
      event: 'exit',
      launch: launch.launch,
      ...(server === undefined ? {} : { server }),
      variables,
      pid: wrapper.pid,
      duration_ms: Math.max(0, clock.now() - since),
    };
  }
}

function keyOf({ pid, startTime }: ProcessId): string {
  return `${pid} ${startTime}`;
}
