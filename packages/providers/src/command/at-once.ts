import { aborted } from './run-tool.ts';

/** At most so many at once; whoever waits gives up with its signal. */
export function createAtOnce(
  most: number,
): <T>(signal: AbortSignal, action: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  const turn = async (signal: AbortSignal): Promise<void> => {
    if (running < most) {
      running += 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const next = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        waiting.splice(waiting.indexOf(next), 1);
        reject(aborted());
      };
      waiting.push(next);
      signal.addEventListener('abort', leave, { once: true });
    });
  };
  return async (signal, action) => {
    if (signal.aborted) throw aborted();
    await turn(signal);
    try {
      return await action();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
