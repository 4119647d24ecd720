import type { Clock } from '../clock.ts';

/**
 * Calls `action` once `ms` have passed, and gives the cancel. What arrived in time is read first, even
 * when the process itself stood still meanwhile: the event loop looks at timers before input, so the
 * action waits for one whole turn.
 */
export function startDeadline(clock: Clock, ms: number, action: () => void): () => void {
  let turn: NodeJS.Immediate | undefined;
  const cancel = clock.after(ms, () => {
    turn = setImmediate(() => {
      turn = setImmediate(action);
    });
  });
  return () => {
    cancel();
    clearImmediate(turn);
  };
}
