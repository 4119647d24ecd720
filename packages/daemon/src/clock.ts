/** The only place with timers and the time of day, so that a test can stand in for both. */
export interface Clock {
  /** Milliseconds since 1970, UTC. It jumps when somebody sets it. */
  now(): number;
  /** Milliseconds of a clock that never goes back. It stands still while the machine sleeps. */
  monotonic(): number;
  /** Calls once after `ms` milliseconds and does not keep the process alive; gives the cancel. */
  after(ms: number, action: () => void): () => void;
}

/** Node fires a longer timer at once. Whoever waits longer looks at the clock and waits again. */
const maxTimerMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, action) {
    const timer = setTimeout(action, Math.min(ms, maxTimerMs));
    timer.unref();
    return () => {
      clearTimeout(timer);
    };
  },
};

/** Resolves after `ms` milliseconds, and keeps the process alive until then. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
