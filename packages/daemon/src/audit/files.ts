import { readdirSync } from 'node:fs';

/** The file that lines are appended to. */
export const currentName = 'current.jsonl';

const rotated = /^(\d{16})-\d{4}-\d{2}-\d{2}\.jsonl$/;

/** A file that is whole: the number of its first line, so that names sort as lines do, and the day of it. */
export function rotatedName(seq: number, time: number): string {
  return `${String(seq).padStart(16, '0')}-${new Date(time).toISOString().slice(0, 10)}.jsonl`;
}

/** Names of the whole files, oldest first. Throws as `readdirSync` does. */
export function listRotated(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => rotated.test(name))
    .sort();
}

/** Number of the first line of a file of `listRotated`. */
export function firstOf(name: string): number {
  return Number(rotated.exec(name)?.[1]);
}
