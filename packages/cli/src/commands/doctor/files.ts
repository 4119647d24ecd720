import { lstatSync, readdirSync, type Stats } from 'node:fs';
import { join } from 'node:path';

/** One thing of the home, as it lies there. */
export interface FileFact {
  readonly path: string;
  readonly kind: 'folder' | 'file' | 'socket' | 'link' | 'other';
  /** The permission bits. */
  readonly mode: number;
  readonly isOurs: boolean;
}

/** A home has some dozens; nobody waits for a walk through a folder that is no home. */
const most = 10_000;

/**
 * The home and all below it; links are not followed. Without its `cache`: Node makes folders there by its own modes,
 * and nobody reaches them but through the home.
 */
export function lookAtFiles(home: string): readonly FileFact[] {
  const found: FileFact[] = [];
  const waiting = [home];
  for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
    const stats = look(path);
    if (stats === undefined) continue;
    const fact = {
      path,
      kind: kindOf(stats),
      mode: stats.mode & 0o777,
      isOurs: stats.uid === process.geteuid?.(),
    };
    found.push(fact);
    if (found.length >= most) break;
    if (fact.kind === 'folder') {
      waiting.push(...entriesOf(path).filter((below) => below !== join(home, 'cache')));
    }
  }
  return found;
}

function look(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    // Its folder is not ours to enter, which is told of that.
    return undefined;
  }
}

function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
}

function kindOf(stats: Stats): FileFact['kind'] {
  if (stats.isDirectory()) return 'folder';
  if (stats.isFile()) return 'file';
  if (stats.isSocket()) return 'socket';
  return stats.isSymbolicLink() ? 'link' : 'other';
}
