import type { Progress } from './line-editor.ts';

/** What a person wants to see next. */
export type Key = 'page' | 'line' | 'quit';

/** One key of a pager, byte by byte; keys that mean nothing here are dropped. */
export interface KeyReader {
  push(byte: number): Progress;
  /** Once `push` has said `done`. */
  readonly key: Key;
}

const ctrlC = 0x03;
const ctrlD = 0x04;

const keys: Readonly<Record<string, Key>> = {
  ' ': 'page',
  '\r': 'line',
  '\n': 'line',
  q: 'quit',
  Q: 'quit',
};

export function createKeyReader(): KeyReader {
  let key: Key = 'quit';
  return {
    push(byte) {
      if (byte === ctrlC) return 'interrupted';
      if (byte === ctrlD) return 'done';
      const meant = keys[String.fromCharCode(byte)];
      if (meant === undefined) return 'more';
      key = meant;
      return 'done';
    },
    get key() {
      return key;
    },
  };
}
