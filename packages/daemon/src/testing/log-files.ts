import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuditEvent } from '../audit/event.ts';
import { currentName, listRotated } from '../audit/files.ts';
import { readHead, writeHead, type Covered, type HeadRecord } from '../audit/head.ts';
import { linkLine } from '../audit/line.ts';
import { hashLine, origin, readLink, type Head } from '../audit/link.ts';
import { openAuditLog } from '../audit/log.ts';
import { verifyLog } from '../audit/verify.ts';
import type { AuditVerdict } from '../protocol/messages.ts';
import { testKey } from './verify-chain.ts';

/** Files of a log by their names, in order, as lines. */
export type Files = readonly (readonly [name: string, lines: readonly string[]])[];

export const launch: AuditEvent = { event: 'launch', outcome: 'allowed', variables: ['TOKEN'] };
export const event = (name: AuditEvent['event']): AuditEvent => ({
  event: name,
  outcome: 'allowed',
});
export const limits = (): { rotateAt: number; keepMs: number } => ({
  rotateAt: 5000,
  keepMs: 1e12,
});

/** A log that somebody may tamper with, as files that a test puts where it likes. */
export interface LogFiles {
  readonly home: string;
  readonly folder: string;
  /** As the daemons left it. */
  readonly files: Files;
  readonly head: HeadRecord;
  put(files: Files, head: HeadRecord): void;
  /** As a daemon that starts on what was put there, and is unlocked. */
  verify(keys?: 'used' | 'locked', kept?: Head): Promise<AuditVerdict>;
  remove(): void;
}

export async function createLogFiles(): Promise<LogFiles> {
  const home = fs.mkdtempSync(join(tmpdir(), 'audit-'));
  const folder = join(home, 'log');
  const made = join(home, 'made');
  await makeLog(made);
  return {
    home,
    folder,
    files: readFiles(made),
    head: headOf(made),
    put(files, head) {
      fs.rmSync(folder, { recursive: true, force: true });
      fs.mkdirSync(folder, { mode: 0o700 });
      for (const [name, lines] of files) {
        const text = lines.map((line) => `${line}\n`).join('');
        fs.writeFileSync(join(folder, name), text, { encoding: 'latin1', mode: 0o600 });
      }
      const fd = fs.openSync(join(folder, 'head'), 'w', 0o600);
      writeHead(fd, head);
      fs.closeSync(fd);
    },
    verify(keys = 'used', kept) {
      const { size } = fs.statSync(join(folder, currentName));
      return verifyLog({
        folder,
        state: () => ({ ...headOf(folder), size, written: size }),
        key: keys === 'used' ? testKey() : undefined,
        vouched: kept === undefined ? [] : [{ ...kept, by: 'own.age' }],
      });
    },
    remove() {
      fs.rmSync(home, { recursive: true });
    },
  };
}

/** Three daemons, one of them killed; locked and unlocked; several files; a tail that no MAC covers. */
async function makeLog(at: string): Promise<void> {
  for (const end of ['killed', 'stop', 'lock'] as const) {
    const log = await openAuditLog(at, Date.now, { limits });
    const some = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n++) await log.append({ ...launch, server: `server-${n % 5}` });
    };
    await log.append(event('start'));
    await some(3);
    for (let round = 0; round < 2; round++) {
      log.useKey(testKey());
      await log.append(event('unlock'));
      await some(12);
      if (end === 'killed' && round === 1) break;
      await log.append(event(end === 'stop' && round === 1 ? 'stop' : 'lock'));
      if (end !== 'stop' || round === 0) await some(4);
    }
    await log.close();
  }
}

export function readFiles(at: string): Files {
  return [...listRotated(at), currentName].map((name) => [
    name,
    fs.readFileSync(join(at, name), 'utf8').split('\n').slice(0, -1),
  ]);
}

export function headOf(at: string): HeadRecord {
  const fd = fs.openSync(join(at, 'head'), 'r');
  try {
    return readHead(fd) ?? { newest: origin, covered: undefined };
  } finally {
    fs.closeSync(fd);
  }
}

export const flat = (files: Files): string[] => files.flatMap(([, lines]) => lines);

/** The same lines, shared out to the files as they were. */
export function share(lines: readonly string[], like: Files): Files {
  let from = 0;
  return like.map(([name, old], index) => {
    const to = index === like.length - 1 ? lines.length : from + old.length;
    const part = lines.slice(from, to);
    from = to;
    return [name, part];
  });
}

/** What somebody without the key can make: numbers and hashes that are right. */
export function rechain(lines: readonly string[], from: number, withMacs: boolean): string[] {
  let last: Head = origin;
  return lines.map((line, index) => {
    const body = /"time":.*(?=,"prev":")/.exec(line)?.[0] ?? '';
    const mac = readLink(Buffer.from(line))?.mac;
    let next = line;
    if (index >= from) {
      next = linkLine(body, last.seq + 1, last.hash);
      if (withMacs && mac !== undefined) next = `${next.slice(0, -1)},"mac":"${mac}"}`;
    }
    last = { seq: last.seq + 1, hash: hashLine(next) };
    return next;
  });
}

export function headFor(lines: readonly string[], covered: Covered | undefined): HeadRecord {
  const line = lines.at(-1);
  return {
    newest: line === undefined ? origin : { seq: lines.length, hash: hashLine(line) },
    covered,
  };
}
