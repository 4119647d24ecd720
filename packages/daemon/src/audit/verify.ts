import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditVerdict } from '../protocol/messages.ts';
import { createCheck, theHead, type Vouched } from './chain.ts';
import type { LogState } from './event.ts';
import { currentName, listRotated } from './files.ts';
import { isVouchedFor, type Covered } from './head.ts';
import type { MacKey } from './mac.ts';
import { errorCode } from './own-file.ts';
import { linesOf, readPieces } from './read-lines.ts';

type Problem = NonNullable<AuditVerdict['problem']>;

export interface VerifyOptions {
  readonly folder: string;
  readonly state: () => LogState;
  readonly key?: MacKey | undefined;
  /** A line that somebody else keeps, and who that is. */
  readonly vouched?: readonly Vouched[];
  /** Called between pieces; what it throws ends the work. */
  readonly proceed?: () => void;
}

/**
 * Reads every file of the log, a piece at a time and with turns for others in between, up to the newest
 * line that `state` knows. Throws as the file system does.
 */
export async function verifyLog(options: VerifyOptions): Promise<AuditVerdict> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await verifyOnce(options);
    } catch (error) {
      // An old file that was listed has been removed meanwhile.
      if (errorCode(error) !== 'ENOENT' || attempt === 3) throw error;
    }
  }
}

async function verifyOnce(options: VerifyOptions): Promise<AuditVerdict> {
  const { folder, key, vouched = [], proceed = () => {} } = options;
  const state = options.state();
  const { newest, covered } = state;
  const isProven = covered !== undefined && (key === undefined || isVouchedFor(covered, key));
  const check = createCheck({
    key,
    vouched: [
      { ...newest, by: theHead },
      ...(isProven ? [{ ...covered, by: 'the newest MAC' }] : []),
      ...vouched,
    ],
  });
  let lines = 0;
  let place: Omit<Problem, 'message'> = { file: currentName, line: 1 };
  /** Where the lines begin that no MAC covers. */
  let unproven: typeof place | undefined;

  const read = async (file: string, fd: number, size: number): Promise<Problem | undefined> => {
    place = { file, line: 1 };
    for await (const piece of readPieces(fd, size)) {
      proceed();
      for (const line of linesOf(piece)) {
        lines += 1;
        const fault = check.take(line);
        if (fault !== undefined) {
          const { message, where } = fault;
          return { ...(where === 'here' ? place : (unproven ?? place)), message };
        }
        unproven = check.covered === check.last.seq ? undefined : (unproven ?? place);
        place = { file, line: place.line + 1 };
      }
    }
    if (size === 0 || endsInLineFeed(fd, size)) return undefined;
    return { file, line: place.line - 1, message: 'has no end' };
  };

  const readAll = async (): Promise<Problem | undefined> => {
    // Both in one turn: nothing is moved in between.
    const names = listRotated(folder);
    const fd = openIfThere(join(folder, currentName));
    const found = fd === undefined ? 0 : fstatSync(fd).size;
    try {
      for (const name of names) {
        const problem = await openAnd(join(folder, name), (old) =>
          read(name, old, fstatSync(old).size),
        );
        if (problem !== undefined) return problem;
      }
      place = { file: currentName, line: 1 };
      const size = Math.min(found, state.size);
      const problem = fd === undefined ? undefined : await read(currentName, fd, size);
      if (problem !== undefined) return problem;
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
    const beginning = check.beginning();
    if (beginning !== undefined) {
      return { file: names[0] ?? currentName, line: 1, message: beginning };
    }
    const missing = check.finish();
    if (missing !== undefined) return { ...place, message: missing.message };
    if (found > state.written) return { ...place, message: 'was not written by the daemon' };
    return problemOfHead(covered, isProven, check.hasMacs);
  };

  const problem = await readAll();
  return {
    ok: problem === undefined,
    lines,
    sequence: newest.seq,
    covered: check.covered ?? null,
    ...(problem === undefined ? {} : { problem }),
    keys: key === undefined ? 'locked' : 'used',
  };
}

function problemOfHead(
  covered: Covered | undefined,
  isProven: boolean,
  hasMacs: boolean,
): Problem | undefined {
  const problem = (message: string): Problem => ({ file: 'head', line: 1, message });
  if (covered !== undefined) return isProven ? undefined : problem('has a MAC that is wrong');
  return hasMacs ? problem('names no line with a MAC, and there are such lines') : undefined;
}

async function openAnd<T>(path: string, action: (fd: number) => Promise<T>): Promise<T> {
  const fd = open(path);
  try {
    return await action(fd);
  } finally {
    closeSync(fd);
  }
}

function open(path: string): number {
  return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
}

function openIfThere(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false }) === undefined ? undefined : open(path);
}

function endsInLineFeed(fd: number, size: number): boolean {
  const byte = Buffer.alloc(1);
  return readSync(fd, byte, 0, 1, size - 1) === 1 && byte[0] === 10;
}
