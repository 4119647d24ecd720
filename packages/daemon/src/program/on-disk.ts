import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** Questions to the disk whose answer may be "no" for any reason. All are short, so none is asynchronous. */

const maxTextBytes = 1024 * 1024;
/** `PATH_MAX`. */
const maxPathLength = 4096;

export function isFile(path: string): boolean {
  return kindOf(path) === 'file';
}

export function kindOf(path: string): 'file' | 'folder' | 'other' | undefined {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return undefined;
    return stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : 'other';
  } catch {
    return undefined;
  }
}

/** The text of a small file. */
export function readText(path: string): string | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = fstatSync(fd);
    return stats.isFile() && stats.size <= maxTextBytes ? readFileSync(fd, 'utf8') : undefined;
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** The members of a file that holds a JSON object. */
export function readMembers(path: string): Readonly<Record<string, unknown>> | undefined {
  const text = readText(path);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

export function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** The folder and those above it, from the innermost; none for a path that the kernel would not take. */
export function upwards(folder: string): readonly string[] {
  if (folder.length > maxPathLength) return [];
  const folders = [folder];
  for (let at = folder; dirname(at) !== at; at = dirname(at)) folders.push(dirname(at));
  return folders;
}

/** The nearest file of this name, in the folder or above it. */
export function findUpwards(folder: string, ...name: readonly string[]): string | undefined {
  return upwards(folder)
    .map((each) => join(each, ...name))
    .find(isFile);
}
