import { BrokerError } from '@mcp-broker/providers/errors';
import { holdsCovered } from './covered.ts';
import { realDisk, type Disk } from './disk.ts';
import type { AuditEvent, AuditLog } from './event.ts';
import { findExpired } from './expire.ts';
import { failure } from './failure.ts';
import { openLogFile, type Known, type LogFile } from './file.ts';
import { isVouchedFor, vouchFor, type HeadRecord } from './head.ts';
import { encodeEvent, linkLine } from './line.ts';
import { hashLine, origin, type Head } from './link.ts';
import type { MacKey } from './mac.ts';
import { readTail } from './tail.ts';

interface Waiting {
  readonly body: string;
  readonly time: number;
  /** The key that was there when the line was asked for. */
  readonly key: MacKey | undefined;
  /** The last line of that key: it says that the keys go. */
  readonly endsKey: boolean;
  /** It was refused, and nobody waits for it any more. */
  readonly isOwed?: true;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface LogOptions {
  readonly disk?: Disk;
  /** Bytes at which a file is full, and milliseconds that lines are kept. Asked anew each time. */
  readonly limits?: () => { readonly rotateAt: number; readonly keepMs: number };
  /** Told when the log is not what it was when its last MAC was made. */
  readonly onForged?: () => void;
}

const unlimited = { rotateAt: Infinity, keepMs: Infinity };
/** A file also ends after this part of the time that lines are kept, so that whole files can go. */
const filesKept = 10;

/**
 * Opens `folder` (made 0700), reads the newest line, and goes on with its number and chain. Throws
 * `ERR_INSECURE_FILE`, `ERR_CORRUPT` and `ERR_AUDIT`. `now` is the wall clock.
 */
export async function openAuditLog(
  folder: string,
  now: () => number,
  { disk = realDisk, limits = () => unlimited, onForged = () => {} }: LogOptions = {},
): Promise<AuditLog> {
  /** Undefined after a failure, until the next line opens it anew. */
  let file: LogFile | undefined;
  /** The log holds what its last MAC vouches for, as far as that shows without the key. */
  let holds: boolean;
  try {
    file = await openLogFile(folder, disk);
    holds = await holdsCovered(folder, file.known);
  } catch (error) {
    closeQuietly(file);
    throw error instanceof BrokerError ? error : failure(folder, 'written', error);
  }
  let { known, written } = file;
  let waiting: Waiting[] = [];
  let writing: Promise<void> | undefined;
  let state: AuditLog['state'] = 'ok';
  let closed = false;
  let key: MacKey | undefined;
  /** That one, and those that lines still wait for. */
  const keys = new Set<MacKey>();
  /** The line that the next one has to follow, since the newest one is not to be trusted. */
  let goOnFrom: Head | undefined;
  /** The newest line has a MAC of the key that is there. */
  let keyIsUsed = false;
  let expiryDue = false;
  const listeners = new Set<(line: string) => void>();

  const isFull = ({ first, size }: Known, more: number): boolean => {
    if (first === undefined) return false;
    const { rotateAt, keepMs } = limits();
    return size + more > rotateAt || now() - first.time > keepMs / filesKept;
  };

  const write = async (group: readonly Waiting[]): Promise<void> => {
    try {
      if (goOnFrom !== undefined) breakChain(goOnFrom);
      const { lines, newest, covered } = link(group, known);
      const bytes = Buffer.from(`${lines.join('\n')}\n`);
      file ??= await openLogFile(folder, disk, known);
      if (isFull(file.known, bytes.length)) {
        const full = file;
        file = undefined;
        full.retire();
        file = await openLogFile(folder, disk, known);
        known = file.known;
        expiryDue = true;
      }
      const first = { seq: known.head.seq + 1, time: group[0]?.time ?? 0 };
      await file.append(bytes, { newest, covered }, first);
      ({ known } = file);
      state = 'ok';
      for (const each of group) {
        keyIsUsed = each.key !== undefined && !each.endsKey;
        each.resolve();
      }
      for (const line of lines) tell(line);
    } catch (error) {
      state = 'failing';
      written = file?.written ?? known.size;
      closeQuietly(file);
      file = undefined;
      const reason = failure(folder, 'written', error);
      for (const { reject } of group) reject(reason);
      // Who reads the log later has to learn that the keys went: that line comes before the next one.
      const owed = group.filter(({ endsKey }) => endsKey);
      waiting.unshift(...owed.map((each) => ({ ...each, isOwed: true, ...nobody }) as const));
    }
  };

  const tell = (line: string): void => {
    for (const listener of listeners) {
      try {
        listener(line);
      } catch {
        // One that fails hears no more; the line is written and its waiter has been told.
        listeners.delete(listener);
      }
    }
  };

  /** Lines that come while others are written wait together and share the next write. */
  const drain = async (): Promise<void> => {
    while (waiting.some(({ isOwed }) => isOwed !== true)) {
      // Those of one turn go together.
      await endOfTurn();
      const group = waiting;
      waiting = [];
      await write(group);
      if (expiryDue && key !== undefined && state === 'ok') await expire(key);
    }
    writing = undefined;
    wipeSpent();
  };

  /** Keys that no line will have any more. */
  const wipeSpent = (): void => {
    const needed = new Set([key, ...waiting.map((each) => each.key)]);
    for (const each of keys) {
      if (needed.has(each)) continue;
      each.wipe();
      keys.delete(each);
    }
  };

  /** Only with the keys: without a MAC nobody could tell it from a file that somebody else removed. */
  const expire = async (itsKey: MacKey): Promise<void> => {
    expiryDue = false;
    const time = now();
    const { keepMs } = limits();
    const seq = known.first?.seq ?? known.head.seq + 1;
    try {
      const expired = await findExpired(folder, time - keepMs, seq);
      if (expired === undefined || key !== itsKey) return;
      const body = encodeEvent(expired.event, time);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      promise.then(expired.remove).catch(again);
      await write([{ body, time, key, endsKey: false, resolve, reject }]);
    } catch {
      again();
    }
  };
  const again = (): void => {
    expiryDue = true;
  };

  /** The numbers go on and the chain does not: no later MAC may vouch for what stands there now. */
  const breakChain = ({ seq, hash }: Head): void => {
    goOnFrom = undefined;
    known = { ...known, head: { seq: Math.max(known.head.seq, seq), hash }, covered: undefined };
  };

  return {
    append: (event: AuditEvent) =>
      new Promise((resolve, reject) => {
        if (closed) throw failure(folder, 'written', 'it is closed');
        const time = now();
        const body = encodeEvent(event, time);
        const endsKey =
          key !== undefined &&
          event.outcome === 'allowed' &&
          (event.event === 'lock' || event.event === 'stop');
        waiting.push({ body, time, key, endsKey, resolve, reject });
        if (endsKey) key = undefined;
        writing ??= drain();
      }),
    useKey(next, kept) {
      if (next === undefined) {
        if (!keyIsUsed && waiting.every((each) => each.key !== key)) key = undefined;
      } else {
        key = next;
        keys.add(next);
        expiryDue = true;
        const { covered } = known;
        const isForged =
          !holds ||
          (covered !== undefined && !isVouchedFor(covered, next)) ||
          isContradicted(covered, kept);
        holds = true;
        if (isForged) {
          goOnFrom = kept ?? covered ?? origin;
          onForged();
        }
      }
      if (writing === undefined) wipeSpent();
    },
    checkpoint() {
      const { covered } = known;
      if (covered === undefined || file === undefined) return undefined;
      file.syncHead();
      return { seq: covered.seq, hash: covered.hash };
    },
    tail: async (count) => readTail(folder, known.size, count),
    follow(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    get known() {
      const { head, covered, size } = known;
      return { newest: head, covered, size, written: file?.written ?? written };
    },
    get sequence() {
      return known.head.seq;
    },
    get state() {
      return state;
    },
    async close() {
      closed = true;
      await writing;
      listeners.clear();
      for (const each of keys) each.wipe();
      keys.clear();
      closeQuietly(file);
      file = undefined;
    },
  };
}

/** The log's newest MAC is older than the line that was kept, or of another line of that number. */
function isContradicted(covered: Head | undefined, kept: Head | undefined): boolean {
  if (kept === undefined) return false;
  if (covered === undefined || covered.seq < kept.seq) return true;
  return covered.seq === kept.seq && covered.hash !== kept.hash;
}

const nobody = { resolve: () => {}, reject: () => {} };

/** Numbers and chains the lines after what is known, and makes the head that they leave. */
function link(
  group: readonly Waiting[],
  known: Known,
): HeadRecord & { readonly lines: readonly string[] } {
  let newest = known.head;
  let last: { readonly head: Head; readonly key: MacKey } | undefined;
  const lines = group.map(({ body, key }) => {
    const line = linkLine(body, newest.seq + 1, newest.hash, key);
    newest = { seq: newest.seq + 1, hash: hashLine(line) };
    if (key !== undefined) last = { head: newest, key };
    return line;
  });
  return {
    lines,
    newest,
    covered: last === undefined ? known.covered : vouchFor(last.head, last.key),
  };
}

function endOfTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function closeQuietly(file: LogFile | undefined): void {
  try {
    file?.close();
  } catch {
    // Every line that was acknowledged is on the disk already.
  }
}
