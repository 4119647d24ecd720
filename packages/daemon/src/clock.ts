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

/** By both clocks: one stands still while the machine sleeps, the other can be set back. */
export interface Deadline {
  readonly monotonic: number;
  readonly wall: number;
}

export function deadline(clock: Clock, ms: number): Deadline {
  return { monotonic: clock.monotonic() + ms, wall: clock.now() + ms };
}

/** One of the clocks has reached it. */
export function isOver({ monotonic, wall }: Deadline, clock: Clock): boolean {
  return monotonic <= clock.monotonic() || wall <= clock.now();
}

/** Resolves after `ms` milliseconds, and keeps the process alive until then. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** Resolves after so many milliseconds. */
export function after(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve);
  });
}
