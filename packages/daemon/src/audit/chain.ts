import { hashLine, origin, readLink, type Head, type Link } from './link.ts';
import { macOf, type MacKey } from './mac.ts';

/** A line that has to be there: whoever says so kept its number and hash apart from the log. */
export interface Vouched extends Head {
  readonly by: string;
}

export interface CheckOptions {
  /** Without it MACs count as there or not there; whether they are right stays open. */
  readonly key?: MacKey | undefined;
  readonly vouched?: readonly Vouched[];
}

export interface Fault {
  readonly message: string;
  /** It is this line, or begins somewhere in the lines after the last one with a MAC. */
  readonly where: 'here' | 'after the last MAC';
}

/** Checks lines one by one, in their order. After the first fault it says nothing of use. */
export interface Check {
  take(line: Buffer): Fault | undefined;
  /** What is wrong with the whole although each line is right. */
  finish(): Fault | undefined;
  /** What is wrong with the beginning: the line before the first one was not removed by us. */
  beginning(): string | undefined;
  readonly last: Head;
  /** Number of the last line with a MAC that is right. */
  readonly covered: number | undefined;
  /** A MAC was claimed. */
  readonly hasMacs: boolean;
}

/** Who names the newest line. */
export const theHead = 'the head';

export function createCheck({ key, vouched = [] }: CheckOptions): Check {
  let first: Link | undefined;
  let last = origin;
  let covered: number | undefined;
  let hasMacs = false;
  /** The line before has a MAC, and nothing in it says that the keys went. */
  let keysThere = false;
  let allowed = false;
  const expected = new Map<number, Vouched[]>();
  for (const one of vouched) expected.set(one.seq, [...(expected.get(one.seq) ?? []), one]);

  const problemOf = (line: Buffer, link: Link): string | undefined => {
    if (first === undefined) {
      first = link;
      last = { seq: link.seq - 1, hash: link.seq === 1 ? origin.hash : link.prev };
    }
    if (link.seq !== last.seq + 1) return `has number ${link.seq} where ${last.seq + 1} is due`;
    if (link.prev !== last.hash) return 'does not follow from the line before it';
    if (link.mac === undefined) {
      // Only a daemon that ended without a word may leave the keys behind; it begins with `start`.
      if (keysThere && link.event !== 'start') return 'has no MAC although the keys were there';
    } else if (key !== undefined && macOf(key, line.subarray(0, link.macEnd)) !== link.mac) {
      return 'has a MAC that is wrong';
    }
    return link.event === 'expire' ? expire(line, link) : undefined;
  };

  /** The daemon says that it removed what is before a line: only with the keys. */
  const expire = (line: Buffer, link: Link): string | undefined => {
    if (link.mac === undefined) return 'removes files without a MAC';
    const { kept_from: from, anchor } = JSON.parse(line.toString()) as Record<string, unknown>;
    if (first === undefined || typeof from !== 'number' || from < first.seq) return undefined;
    if (from === first.seq && anchor !== first.prev) return 'keeps another line than the first one';
    allowed = true;
    return undefined;
  };

  /** Somebody kept this line apart, and knew another. */
  const contradicted = (link: Link): Fault | undefined => {
    const wrong = expected.get(last.seq)?.find(({ hash }) => hash !== last.hash);
    expected.delete(last.seq);
    if (wrong === undefined) return undefined;
    if (link.mac !== undefined || wrong.by === theHead) {
      return { message: `is not the line that ${wrong.by} names`, where: 'here' };
    }
    const message = `or a line after it is forged: number ${last.seq} is not what ${wrong.by} names`;
    return { message, where: 'after the last MAC' };
  };

  return {
    take(line) {
      const link = readLink(line);
      const problem = link === undefined ? 'is not a line of an audit log' : problemOf(line, link);
      if (link === undefined || problem !== undefined) {
        return { message: problem ?? '', where: 'here' };
      }
      last = { seq: link.seq, hash: hashLine(line) };
      const fault = contradicted(link);
      if (fault !== undefined) return fault;
      hasMacs ||= link.mac !== undefined;
      if (link.mac !== undefined && key !== undefined) covered = link.seq;
      const isEnd = (link.event === 'lock' || link.event === 'stop') && link.outcome === 'allowed';
      keysThere = link.mac !== undefined && !isEnd;
      return undefined;
    },
    finish() {
      const missing = Math.max(0, ...expected.keys());
      if (missing <= last.seq) return undefined;
      return { message: `lines up to number ${missing} are missing`, where: 'here' };
    },
    beginning() {
      if (first === undefined || first.seq === 1 || allowed) return undefined;
      return `has number ${first.seq} where 1 is due`;
    },
    get last() {
      return last;
    },
    get covered() {
      return covered;
    },
    get hasMacs() {
      return hasMacs;
    },
  };
}
