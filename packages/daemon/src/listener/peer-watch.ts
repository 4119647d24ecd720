import type { Clock } from '../clock.ts';
import type { Platform } from '../platform/platform.ts';
import { peerLoss, type Peer } from './peer.ts';

const everyMs = 2000;
/** So many are looked at together; of more, the next ones a moment later. */
const atOnce = 500;
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
  let suspects = new WeakSet<Watched>();
  /** Those that are still to be looked at in this round. */
  let left: Watched[] = [];

  const look = (): void => {
    cancel = undefined;
    const began = clock.monotonic();
    if (left.length === 0) left = [...watched];
    const gone = new Map<string, boolean>();
    for (const one of left.splice(-atOnce)) {
      if (!watched.has(one)) continue;
      const { pid, startTime } = one.peer;
      const process = `${pid} ${startTime}`;
      const isGone = gone.get(process) ?? peerLoss(platform, one.peer) !== undefined;
      gone.set(process, isGone);
      if (!isGone) continue;
      if (suspects.has(one)) one.check();
      else suspects.add(one);
    }
    if (watched.size > 0) start((clock.monotonic() - began) / share);
  };
  const start = (atLeastMs = 0): void => {
    const rounds = Math.ceil(watched.size / atOnce);
    cancel ??= clock.after(Math.max(everyMs / Math.max(rounds, 1), atLeastMs), look);
  };

  return {
    start: () => {
      start();
    },
    stop() {
      cancel?.();
      cancel = undefined;
      suspects = new WeakSet();
      left = [];
    },
  };
}
