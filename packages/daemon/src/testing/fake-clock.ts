import type { Clock } from '../clock.ts';

/** A clock for tests, which goes when it is told to. */
export interface FakeClock extends Clock {
  /** Time goes by, and timers go off. */
  pass(ms: number): void;
  /** Somebody sets the clock, or the machine sleeps. */
  jump(ms: number): void;
  readonly timers: number;
}

export function fakeClock(): FakeClock {
  let monotonic = 1000;
  let offset = Date.UTC(2026, 0, 1);
  const timers = new Map<() => void, number>();
  return {
    now: () => monotonic + offset,
    monotonic: () => monotonic,
    after(ms, action) {
      timers.set(action, monotonic + ms);
      return () => timers.delete(action);
    },
    pass(ms) {
      const end = monotonic + ms;
      for (;;) {
        const [next] = [...timers].sort(([, a], [, b]) => a - b);
        if (next === undefined || next[1] > end) break;
        timers.delete(next[0]);
        monotonic = Math.max(monotonic, next[1]);
        next[0]();
      }
      monotonic = end;
    },
    jump(ms) {
      offset += ms;
    },
    get timers() {
      return timers.size;
    },
  };
}
