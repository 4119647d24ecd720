import { createHash } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';

import { BrokerError } from '@mcp-broker/daemon/protocol';

/** A file as we want it. Its last line, a comment of its kind, says that it is as we wrote it. */
export interface Wanted {
  readonly path: string;
  readonly text: () => string;
  /** What is around the last line. */
  readonly comment: readonly [begin: string, end: string];
}

/** `other`: somebody else wrote it, or has changed it since. */
export type Found = 'absent' | 'ours' | 'other';

/** What is at the path, followed nowhere, with the folders that were made for it. */
export function look({ path, comment }: Wanted): {
  readonly found: Found;
  readonly text: string;
  readonly made: number;
} {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return { found: 'absent', text: '', made: 0 };
  if (!stats.isFile()) return { found: 'other', text: '', made: 0 };
  const whole = readFileSync(path, 'utf8');
  const end = whole.lastIndexOf('\n', whole.length - 2) + 1;
  const text = whole.slice(0, end);
  const made = Number(/made: (\d+)/u.exec(whole.slice(end))?.[1] ?? 0);
  const isOurs = whole.slice(end) === lastLine(text, made, comment);
  return { found: isOurs ? 'ours' : 'other', text, made };
}

/**
 * Makes the file be as it is wanted, and says whether it was another before. Throws `ERR_INSECURE_FILE`
 * when what is there is not of our making.
 */
export function write(wanted: Wanted): boolean {
  const { path, comment } = wanted;
  const text = wanted.text();
  requireOurs(wanted);
  const before = look(wanted);
  if (before.found === 'ours' && before.text === text) return false;
  const made = before.found === 'ours' ? before.made : makeFolders(dirname(path));
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, text + lastLine(text, made, comment), { mode: 0o644, flag: 'wx' });
  renameSync(draft, path);
  return true;
}

/** Throws `ERR_INSECURE_FILE` when what is there is not of our making. */
export function requireOurs(wanted: Wanted): void {
  const { path } = wanted;
  if (look(wanted).found !== 'other') return;
  throw new BrokerError('ERR_INSECURE_FILE', `${path} was written or changed by someone else`, {
    hint: `move it away, then: mcp daemon install`,
    subject: path,
  });
}

/** Takes it away if it is as we wrote it, and the folders that were made for it as far as they are empty. */
export function remove(wanted: Wanted): Found {
  const { found, made } = look(wanted);
  if (found !== 'ours') return found;
  unlinkSync(wanted.path);
  let folder = dirname(wanted.path);
  for (let left = made; left > 0; left -= 1, folder = dirname(folder)) {
    try {
      rmdirSync(folder);
    } catch {
      // Others have put something in.
      break;
    }
  }
  return found;
}

/** How many of them, the folder itself included, were not there. */
function makeFolders(folder: string): number {
  let missing = 0;
  for (let each = folder; lstatSync(each, { throwIfNoEntry: false }) === undefined;) {
    missing += 1;
    each = dirname(each);
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return missing;
}

function lastLine(text: string, made: number, [begin, end]: Wanted['comment']): string {
  const sum = createHash('sha256').update(`${made}\n${text}`).digest('hex');
  return `${begin}sha256 ${sum}, folders made: ${made}${end}\n`;
}
