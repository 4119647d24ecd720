import { hash } from 'node:crypto';

/** The newest line of a log: its number, and the SHA-256 of its bytes without the line feed, hex. */
export interface Head {
  readonly seq: number;
  readonly hash: string;
}

/** What the first line of all follows. */
export const origin: Head = { seq: 0, hash: '0'.repeat(64) };

export function hashLine(line: string): string {
  return hash('sha256', line, 'hex');
}

/** The line's number and what it says of the line before; undefined when it is no line of a log. */
export function readLink(
  line: string,
): { readonly seq: number; readonly prev: string } | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const { v, seq, prev } = parsed as { v?: unknown; seq?: unknown; prev?: unknown };
  if (v !== 1 || !Number.isSafeInteger(seq) || typeof prev !== 'string') return undefined;
  return { seq: seq as number, prev };
}

export interface ChainOptions {
  /** The line before the first one given; by default the first one begins the chain. */
  readonly after?: Head;
  /** A head that was kept apart: the line of its number has to be there, and to be that line. */
  readonly head?: Head;
}

export type Verdict =
  | { readonly ok: true; readonly head: Head }
  /** `line` counts from 1: the first one that is wrong, or the one after the last. */
  | { readonly ok: false; readonly line: number; readonly problem: string };

/** Whether the lines are whole and in order. Without `head` a cut-off end cannot be seen. */
export function verifyChain(lines: Iterable<string>, options: ChainOptions = {}): Verdict {
  let last = options.after ?? origin;
  let count = 0;
  for (const line of lines) {
    count += 1;
    const wrong = (problem: string): Verdict => ({ ok: false, line: count, problem });
    const link = readLink(line);
    if (link === undefined) return wrong('is not a line of an audit log');
    if (link.seq !== last.seq + 1)
      return wrong(`has number ${link.seq} where ${last.seq + 1} is due`);
    if (link.prev !== last.hash) return wrong('does not follow from the line before it');
    last = { seq: link.seq, hash: hashLine(line) };
    if (last.seq === options.head?.seq && last.hash !== options.head.hash) {
      return wrong('is not the line that the head names');
    }
  }
  if (options.head !== undefined && options.head.seq > last.seq) {
    const missing = `lines up to number ${options.head.seq} are missing`;
    return { ok: false, line: count + 1, problem: missing };
  }
  return { ok: true, head: last };
}
