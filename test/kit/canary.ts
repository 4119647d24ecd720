import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The forms in which a value could have been written down. */
export function formsOf(value: string): Map<string, Buffer> {
  const bytes = Buffer.from(value);
  // Base64 of the value at each of the three places where it can start in a longer text.
  const shifted = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    return text.slice(shift === 0 ? 0 : 4, -4);
  });
  const forms: [string, string][] = [
    ['plain', value],
    ['hex', bytes.toString('hex')],
    ['upper-case hex', bytes.toString('hex').toUpperCase()],
    ['url', encodeURIComponent(value)],
    ['json', JSON.stringify(value).slice(1, -1)],
    ['reversed', Array.from(value).toReversed().join('')],
    ...shifted.map((text, index): [string, string] => [`base64 at ${index}`, text]),
    ...shifted.map((text, index): [string, string] => [
      `base64url at ${index}`,
      text.replaceAll('+', '-').replaceAll('/', '_'),
    ]),
  ];
  return new Map(forms.map(([form, text]) => [form, Buffer.from(text)]));
}

/** Names the forms of the value that stand in the bytes. */
export function findIn(bytes: Uint8Array, value: string): string[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return [...formsOf(value)].flatMap(([form, text]) => (buffer.includes(text) ? [form] : []));
}

/** Looks through every regular file below a folder; gives `path: form` for each find. */
export async function findInFiles(folder: string, value: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const finds = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => {
        const path = join(entry.parentPath, entry.name);
        const bytes = await readFile(path).catch(() => Buffer.alloc(0));
        return findIn(bytes, value).map((form) => `${path}: ${form}`);
      }),
  );
  return finds.flat();
}

/** How many files a look through the folder takes in. */
export async function countFiles(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).length;
}

/** Looks through the arguments of every process; gives `pid: form` for each find (Linux: /proc). */
export async function findInArguments(
  value: string,
): Promise<{ processes: number; finds: string[] }> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/u.test(name));
  const finds = await Promise.all(
    pids.map(async (pid) => {
      const bytes = await readFile(`/proc/${pid}/cmdline`).catch(() => Buffer.alloc(0));
      return findIn(bytes, value).map((form) => `${pid}: ${form}`);
    }),
  );
  return { processes: pids.length, finds: finds.flat() };
}
