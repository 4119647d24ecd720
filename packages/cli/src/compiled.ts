import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { Script } from 'node:vm';

/** The program as it was loaded, and where what was compiled of it is kept. */
export interface Compiled {
  readonly script: Script;
  readonly source: Buffer;
  /** Of code that Node compiles; undefined: there is no folder of this user's alone. */
  readonly folder: string | undefined;
  /** It came from there. */
  readonly kept: boolean;
}

/** The file of the folder; V8 itself refuses what another build of it has made. */
export function keptFile(folder: string): string {
  return `${folder}/mcp-${process.version}-${process.arch}`;
}

/**
 * Keeps the code of every function that has run by now. Twice, since V8 does not look whether it is whole
 * and a flipped bit would crash each launch; and with its source, to which it must belong. No failure
 * counts: the next launch compiles again.
 */
export function keepCompiled({ script, source, folder, kept }: Compiled): void {
  if (kept || folder === undefined) return;
  const file = keptFile(folder);
  const draft = `${file}.${process.pid}`;
  try {
    const code = script.createCachedData();
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(draft, Buffer.concat([code, code, source]), { flag: 'wx', mode: 0o600 });
    renameSync(draft, file);
  } catch {
    rmSync(draft, { force: true });
  }
}
