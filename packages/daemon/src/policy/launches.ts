import type { Peer } from '../listener/peer.ts';
import type { Platform } from '../platform/platform.ts';

/** Processes that a launch of ours started: what descends from one is no person. */
export interface Launches {
  add(launched: Pick<Peer, 'pid' | 'startTime'>): void;
  has(pid: number, startTime: string): boolean;
}

/** The one name of ours in a server's environment: the id of its launch. */
const mark = 'MCP_LAUNCH';
const maxDepth = 256;
/** So many are kept before it is looked which of them have ended. */
const many = 4096;

export function createLaunches(platform: Platform): Launches {
  const known = new Map<number, string>();
  let lookAt = many;
  return {
    add(launched) {
      if (known.size >= lookAt) {
        for (const [pid, startTime] of known) {
          if (platform.startTime(pid) !== startTime) known.delete(pid);
        }
        // Thousands may live: the next look is due when as many have come again.
        lookAt = Math.max(many, 2 * known.size);
      }
      known.set(launched.pid, launched.startTime);
    },
    has: (pid, startTime) => known.get(pid) === startTime,
  };
}

/**
 * The peer is a launch of ours, or descends from one; also when it cannot be told, since it has gone.
 * What was left behind by its parents on purpose is known by the mark that a server's environment
 * carries: best effort, since a program can start another without it.
 */
export function isLaunched(peer: Peer, platform: Platform, launches: Launches): boolean {
  let { pid } = peer;
  for (let depth = 0; pid > 0 && depth < maxDepth; depth += 1) {
    const facts = platform.process(pid);
    if (depth === 0 && facts?.startTime !== peer.startTime) return true;
    // A process that is hidden from us: nothing above it can be told.
    if (facts === undefined) return false;
    if (launches.has(pid, facts.startTime) || platform.hasVariable(pid, mark)) return true;
    pid = facts.parent;
  }
  return pid > 0;
}
