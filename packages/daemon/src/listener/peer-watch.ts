import type { Clock } from '../clock.ts';
import type { Platform } from '../platform/platform.ts';
import { peerLoss, type Peer } from './peer.ts';

const everyMs = 2000;
/** Looking at thousands of processes may take this part of the time at most. */
const share = 0.01;

export interface Watched {
  readonly peer: Peer;
  /** Ends the connection if its process has gone. */
  check(): void;
}

/**
 * Ends connections that outlive the process that made them, when it left the descriptor to another.
 * Nothing is answered there in any case, but what is sent unasked would wait, and a place be taken. A
 * process is looked at twice: the end of an ordinary connection may be on its way still.
 */
export function createPeerWatch(
  platform: Platform,
  clock: Clock,
  watched: ReadonlySet<Watched>,
): { start(): void; stop(): void } {
  let cancel: (() => void) | undefined;
  let suspects = new Set<Watched>();

  const look = (): void => {
    const began = clock.monotonic();
    const before = suspects;
    suspects = new Set();
    const gone = new Map<string, boolean>();
    for (const one of watched) {
      const { pid, startTime } = one.peer;
      const process = `${pid} ${startTime}`;
      const isGone = gone.get(process) ?? peerLoss(platform, one.peer) !== undefined;
      gone.set(process, isGone);
      if (!isGone) continue;
      if (before.has(one)) one.check();
      else suspects.add(one);
    }
    cancel = undefined;
    if (watched.size > 0) start((clock.monotonic() - began) / share);
  };
  const start = (atLeastMs = 0): void => {
    cancel ??= clock.after(Math.max(everyMs, atLeastMs), look);
  };

  return {
    start: () => {
      start();
    },
    stop() {
      cancel?.();
      cancel = undefined;
      suspects.clear();
    },
  };
}
