/** What the first line of a script names: the interpreter, and at most one argument for it. */
export interface Shebang {
  readonly interpreter: string;
  readonly argument?: string;
}

/** The kernel follows a script to a script this many times, and then gives up. */
export const maxShebangs = 5;

const newline = 0x0a;
const bufferBytes = 256;

/**
 * Reads the first line as Linux does (fs/binfmt_script.c): 256 bytes count, the name ends at a space or
 * tab, all that follows is one argument. Without a newline in them, a name that may have been cut off is
 * no name. undefined: the file is not for an interpreter.
 */
export function parseShebang(head: Uint8Array): Shebang | undefined {
  if (head[0] !== 0x23 || head[1] !== 0x21) return undefined;
  const seen = head.subarray(0, bufferBytes);
  // A NUL ends what C sees as text.
  const end = seen.findIndex((byte) => byte === newline || byte === 0);
  const isCut = end === -1 && seen.length === bufferBytes;
  // The kernel keeps the last byte of its buffer for a NUL.
  const bytes = seen.subarray(2, isCut ? bufferBytes - 1 : end === -1 ? undefined : end);
  const line = Buffer.from(bytes).toString('utf8');
  const [, interpreter, argument] = /^[ \t]*([^ \t]+)(?:[ \t]+(.*?))?[ \t]*$/s.exec(line) ?? [];
  if (interpreter === undefined) return undefined;
  if (isCut && !/[ \t]/.test(line.trimStart())) return undefined;
  return argument === undefined || argument === '' ? { interpreter } : { interpreter, argument };
}
