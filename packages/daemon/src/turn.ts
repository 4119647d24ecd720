interface Waiting<T> {
  readonly resolve: (answer: T) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Those who ask for one key in one turn of the event loop share an answer. It is looked for at the end of
 * the turn, and so after each of them has asked: nobody gets one that is older than the question.
 */
export function sharedPerTurn<T>(look: (key: string) => Promise<T>): (key: string) => Promise<T> {
  let asked: Map<string, Waiting<T>[]> | undefined;

  const answer = async (key: string, all: readonly Waiting<T>[]): Promise<void> => {
    try {
      const found = await look(key);
      for (const { resolve } of all) resolve(found);
    } catch (error) {
      for (const { reject } of all) reject(error);
    }
  };
  const endTurn = (): void => {
    const all = asked ?? [];
    asked = undefined;
    for (const [key, waiting] of all) void answer(key, waiting);
  };

  return (key) =>
    new Promise((resolve, reject) => {
      if (asked === undefined) {
        asked = new Map();
        setImmediate(endTurn);
      }
      const waiting = asked.get(key);
      if (waiting === undefined) asked.set(key, [{ resolve, reject }]);
      else waiting.push({ resolve, reject });
    });
}
