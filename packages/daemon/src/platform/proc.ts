import { closeSync, openSync, readFileSync, readlinkSync, readSync, statSync } from 'node:fs';
import type { Namespaces } from './platform.ts';

/** What /proc/PID/stat says of a process (Linux; see proc(5)). */
export interface ProcessStat {
  /** Field 2; each character is a byte. */
  readonly name: string;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** The group in front of the controlling terminal; -1 without one. */
  readonly foreground: number;
  /** Field 22: clock ticks since the machine started. */
  readonly startTime: string;
  /** Field 7 is not 0. */
  readonly hasTerminal: boolean;
}

/** A line of /proc/PID/stat has some 400 bytes. One for all: each answer of the daemon asks for it. */
const statLine = Buffer.alloc(4096);

/** Undefined when there is no such process, or nothing is left of it but its entry (a zombie). */
export function readStat(pid: number): ProcessStat | undefined {
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  const text = readStatLine(pid);
  if (text === undefined) return undefined;
  // The name in field 2 may hold anything, parentheses and spaces too; the last one closes it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, parent, group, session, terminal, foreground] = fields;
  const startTime = fields[19];
  if (parent === undefined || startTime === undefined) return undefined;
  if (state === 'Z' || state === 'X' || state === 'x') return undefined;
  return {
    name: text.slice(text.indexOf('(') + 1, text.lastIndexOf(')')),
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    foreground: Number(foreground),
    startTime,
    hasTerminal: terminal !== '0',
  };
}

/** Undefined when it is hidden from us, or when the folder has been removed. */
export function readWorkingDirectory(pid: number): string | undefined {
  const link = `/proc/${pid}/cwd`;
  try {
    const path = readlinkSync(link);
    // The kernel marks a removed folder by its name alone, and a folder may be called so.
    return path.endsWith(' (deleted)') && statSync(link).nlink === 0 ? undefined : path;
  } catch {
    return undefined;
  }
}

/** Values of other processes pass through here, so it is wiped after each use. */
const environmentBlock = Buffer.alloc(64 * 1024);

/**
 * In the environment that the process was started with, as far as the kernel lets us read it; with any
 * value, or with this one.
 */
export function hasVariable(pid: number, name: string, value?: string): boolean {
  const wanted = Buffer.from(`\0${name}=${value === undefined ? '' : `${value}\0`}`);
  let fd: number | undefined;
  try {
    fd = openSync(`/proc/${pid}/environ`, 'r');
    // The first name follows no NUL; a name may lie across two readings.
    let kept = 1;
    for (;;) {
      const read = readSync(fd, environmentBlock, kept, environmentBlock.length - kept, null);
      const end = kept + read;
      if (environmentBlock.subarray(0, end).includes(wanted)) return true;
      if (read === 0) return false;
      kept = Math.min(end, wanted.length - 1);
      environmentBlock.copyWithin(0, end - kept, end);
    }
  } catch {
    return false;
  } finally {
    environmentBlock.fill(0);
    if (fd !== undefined) closeSync(fd);
  }
}

/** Every value that the variable has in that environment, as far as they are short. */
export function variableValues(pid: number, name: string): readonly string[] {
  const wanted = Buffer.from(`\0${name}=`);
  const values: string[] = [];
  let fd: number | undefined;
  try {
    fd = openSync(`/proc/${pid}/environ`, 'r');
    let kept = 1;
    for (;;) {
      const read = readSync(fd, environmentBlock, kept, environmentBlock.length - kept, null);
      const end = kept + read;
      const block = environmentBlock.subarray(0, end);
      let at = 0;
      for (;;) {
        const found = block.indexOf(wanted, at);
        const start = found + wanted.length;
        // One that was cut off is read again with what follows it.
        const stop = found === -1 ? -1 : block.indexOf(0, start);
        if (stop === -1) {
          const fits = found !== -1 && end - found < environmentBlock.length;
          at = fits ? found : Math.max(at, end - wanted.length + 1);
          break;
        }
        values.push(block.toString('latin1', start, stop));
        at = stop;
      }
      if (read === 0) return values;
      kept = end - at;
      environmentBlock.copyWithin(0, at, end);
    }
  } catch {
    return values;
  } finally {
    environmentBlock.fill(0);
    if (fd !== undefined) closeSync(fd);
  }
}

/** Undefined when there is no such process, or it is hidden from us. */
export function readNamespaces(pid: number): Namespaces | undefined {
  try {
    return {
      user: readlinkSync(`/proc/${pid}/ns/user`),
      pid: readlinkSync(`/proc/${pid}/ns/pid`),
      mount: readlinkSync(`/proc/${pid}/ns/mnt`),
    };
  } catch {
    return undefined;
  }
}

/** Undefined when it cannot be read, or this system has no unified hierarchy. */
export function readControlGroup(pid: number): string | undefined {
  return /^0::(\/.*)$/mu.exec(readProc(`${pid}/cgroup`) ?? '')?.[1];
}

/** Bytes of this process that the kernel keeps out of swap. */
export function readLockedMemory(): number | null {
  const kibibytes = /^VmLck:\s*(\d+) kB$/mu.exec(readProc('self/status') ?? '')?.[1];
  return kibibytes === undefined ? null : Number(kibibytes) * 1024;
}

/** Half the time that `readFileSync` takes. */
function readStatLine(pid: number): string | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(`/proc/${pid}/stat`, 'r');
    return statLine.toString('latin1', 0, readSync(fd, statLine, 0, statLine.length, 0));
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, 'utf8');
  } catch {
    return undefined;
  }
}
