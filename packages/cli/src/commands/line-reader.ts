import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';

/** Of a log that is longer, the last lines are looked for in as many bytes. */
const tailBytes = 1024 * 1024;

/** Reads a growing text file line by line. A line counts when its end is there. */
export interface LineReader {
  /** The lines since the last call; on the first call those of the last 1 MiB. */
  read(): string[];
  close(): void;
}

/** Throws as `openSync` does. A file that is cut short or replaced is read from its start. */
export function createLineReader(file: string): LineReader {
  let fd = openSync(file, 'r');
  let position = Math.max(0, fstatSync(fd).size - tailBytes);
  /** The beginning of a line whose end is not there yet. */
  let begun = Buffer.alloc(0);
  let skipFirst = position > 0;

  const startOver = (): void => {
    position = 0;
    begun = Buffer.alloc(0);
  };

  const reopenIfReplaced = (): void => {
    const there = statSync(file, { throwIfNoEntry: false });
    const open = fstatSync(fd);
    if (there !== undefined && (there.ino !== open.ino || there.dev !== open.dev)) {
      closeSync(fd);
      fd = openSync(file, 'r');
      startOver();
    } else if (open.size < position) {
      startOver();
    }
  };

  const readRest = (): Buffer => {
    const parts = [begun];
    for (;;) {
      const chunk = Buffer.alloc(64 * 1024);
      const count = readSync(fd, chunk, 0, chunk.length, position);
      if (count === 0) return Buffer.concat(parts);
      position += count;
      parts.push(chunk.subarray(0, count));
    }
  };

  return {
    read() {
      reopenIfReplaced();
      const text = readRest();
      const end = text.lastIndexOf(0x0a) + 1;
      begun = Buffer.from(text.subarray(end));
      const lines = text.toString('utf8', 0, end).split('\n').slice(0, -1);
      if (skipFirst && lines.length > 0) {
        lines.shift();
        skipFirst = false;
      }
      return lines;
    },
    close() {
      closeSync(fd);
    },
  };
}

/** The last `count` of them; of 0 none. */
export function lastOf<T>(items: readonly T[], count: number): readonly T[] {
  return count === 0 ? [] : items.slice(-count);
}
