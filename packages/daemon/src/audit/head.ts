import { readSync, writeSync } from 'node:fs';
import { origin, type Head } from './link.ts';
import { macOf, type MacKey } from './mac.ts';

/** A line that a MAC vouches for, and the MAC that only the holder of the key can make of that. */
export interface Covered extends Head {
  readonly mac: string;
}

/** What the file `head` holds: the newest line, and the newest one with a MAC. */
export interface HeadRecord {
  readonly newest: Head;
  readonly covered: Covered | undefined;
}

/** The MAC is over more than a line's own, so that the lines alone do not give a head of an earlier day. */
export function vouchFor(head: Head, key: MacKey): Covered {
  return { ...head, mac: macOf(key, `audit head ${formatHead(head)}`) };
}

export function isVouchedFor({ seq, hash, mac }: Covered, key: MacKey): boolean {
  return vouchFor({ seq, hash }, key).mac === mac;
}

/** Always the same length, in one write: a process that dies leaves the old text or the new. */
export function writeHead(fd: number, { newest, covered }: HeadRecord): void {
  const { mac, ...line } = covered ?? { ...origin, mac: origin.hash };
  writeSync(fd, `${formatHead(newest)} ${formatHead(line)} ${mac}\n`, 0);
}

/** Undefined when it is empty or damaged. */
export function readHead(fd: number): HeadRecord | undefined {
  const bytes = Buffer.alloc(256);
  const text = bytes.toString('latin1', 0, readSync(fd, bytes, 0, bytes.length, 0));
  const line = '(\\d{16}) ([0-9a-f]{64})';
  const match = new RegExp(`^${line} ${line} ([0-9a-f]{64})\\n$`).exec(text);
  const [, seq, hash, coveredSeq, coveredHash, mac] = match ?? [];
  if (seq === undefined || hash === undefined) return undefined;
  if (coveredSeq === undefined || coveredHash === undefined || mac === undefined) return undefined;
  const covered = { seq: Number(coveredSeq), hash: coveredHash, mac };
  return {
    newest: { seq: Number(seq), hash },
    covered: covered.seq === 0 ? undefined : covered,
  };
}

function formatHead({ seq, hash }: Head): string {
  return `${String(seq).padStart(16, '0')} ${hash}`;
}
