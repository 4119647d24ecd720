import { closeSync, constants, existsSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { BrokerError } from '@mcp-broker/providers/errors';
import type { FileIdentity } from '../protocol/messages.ts';

/** A program that is still the one that was hashed, as long as it is held. */
export interface HeldProgram {
  /** Where it lies. */
  readonly path: string;
  /** What to run: the open file itself where that can be, and else the path. */
  readonly file: string;
  /** After the spawn. */
  release(): void;
}

const elf = Buffer.from('\x7fELF', 'latin1');

/**
 * The last look before the spawn, at every file of a ticket: is each still what was hashed and
 * approved? The first is what runs. An ELF file runs through the descriptor that was looked at, so that
 * what takes its path meanwhile cannot. A script cannot be run so, since its interpreter opens it anew
 * by its path; it is looked at last. Throws `ERR_CHANGED`.
 */
export function holdProgram(files: readonly FileIdentity[]): HeldProgram {
  // A daemon of another version may give none.
  const [first, ...others] = Array.isArray(files) ? (files as readonly FileIdentity[]) : [];
  if (first === undefined) throw noProgram();
  for (const file of others) requireSame(file, stat(file.path));
  // Not blocking: a pipe may stand there by now. Node sets O_CLOEXEC, so that the server has it not.
  const fd = openFile(first);
  let held = false;
  try {
    requireSame(first, fstatSync(fd, { bigint: true }));
    const file = `/proc/self/fd/${fd}`;
    held = process.platform === 'linux' && isElf(fd) && existsSync(file);
    return held
      ? { path: first.path, file, release: () => closeSync(fd) }
      : { path: first.path, file: first.path, release: () => undefined };
  } finally {
    if (!held) closeSync(fd);
  }
}

function stat(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true });
  } catch {
    return undefined;
  }
}

function openFile(file: FileIdentity): number {
  try {
    return openSync(file.path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    throw changed(file);
  }
}

function isElf(fd: number): boolean {
  const magic = Buffer.alloc(elf.length);
  return readSync(fd, magic, 0, elf.length, 0) === elf.length && magic.equals(elf);
}

function requireSame(seen: FileIdentity, now: BigIntStats | undefined): void {
  if (
    now === undefined ||
    String(now.dev) !== seen.dev ||
    String(now.ino) !== seen.ino ||
    String(now.size) !== seen.size ||
    String(now.mtimeNs) !== seen.mtimeNs ||
    String(now.ctimeNs) !== seen.ctimeNs
  ) {
    throw changed(seen);
  }
}

function changed({ path }: FileIdentity): BrokerError {
  return new BrokerError('ERR_CHANGED', `${path} changed while it was being launched`, {
    hint: 'start the server again; if you did not change the file, find out who did',
    subject: path,
  });
}

function noProgram(): BrokerError {
  return new BrokerError('ERR_PROTOCOL', 'the daemon named no program to run', {
    hint: 'run `mcp daemon restart`: it may be of another version',
  });
}
