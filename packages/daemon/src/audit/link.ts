import { hash } from 'node:crypto';

/** The newest line of a log: its number, and the SHA-256 of its bytes without the line feed, hex. */
export interface Head {
  readonly seq: number;
  readonly hash: string;
}

/** What the first line of all follows. */
export const origin: Head = { seq: 0, hash: '0'.repeat(64) };

export function hashLine(line: string | Uint8Array): string {
  return hash('sha256', line, 'hex');
}

/** What the chain needs of a line; its other members are as the hash says. */
export interface Link {
  readonly seq: number;
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly event: string;
  readonly outcome: string;
  readonly prev: string;
  readonly mac: string | undefined;
  /** How many bytes of the line, from its first, the MAC is over. */
  readonly macEnd: number;
}

const longestStart = 128;
const start =
  /^\{"v":1,"seq":([1-9]\d{0,15}),"time":"([-+\dT:.Z]{24,27})","event":"([a-z-]+)","outcome":"([a-z]+)"/;
const end = /"prev":"([0-9a-f]{64})"(?:,"mac":"([0-9a-f]{64})")?\}$/;
const longestEnd = '"prev":"","mac":""}'.length + 128;
const macLength = ',"mac":""}'.length + 64;

/** The beginning of a line; it need not be all there. */
export function readStart(
  line: Buffer,
): Pick<Link, 'seq' | 'time' | 'event' | 'outcome'> | undefined {
  const [, seq, time, event, outcome] = start.exec(line.toString('latin1', 0, longestStart)) ?? [];
  if (seq === undefined || time === undefined || event === undefined || outcome === undefined) {
    return undefined;
  }
  return { seq: Number(seq), time, event, outcome };
}

/**
 * Reads both ends of a line, which have one form and can stand in no text between them: a quote inside
 * text has a backslash before it. Undefined when it is no line of a log.
 */
export function readLink(line: Buffer): Link | undefined {
  const known = readStart(line);
  const from = Math.max(0, line.length - longestEnd);
  const [, prev, mac] = end.exec(line.toString('latin1', from)) ?? [];
  if (known === undefined || prev === undefined) return undefined;
  return { ...known, prev, mac, macEnd: mac === undefined ? line.length : line.length - macLength };
}
