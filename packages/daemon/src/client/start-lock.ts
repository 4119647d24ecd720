import { closeSync, constants, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { BrokerError } from '@mcp-broker/providers/errors';
import { systemClock } from '../clock.ts';
import { readStat } from '../platform/proc.ts';

/** A lock file without a holder's name is one being written, or one whose writer was killed. */
const unnamedMs = 1000;

/**
 * Says that this process is starting the daemon; gives the release, or undefined when another living
 * process says so. A lock whose holder has gone is removed, and free for the next try. Two processes
 * that remove it at once may both get it: it saves work, and guards nothing. Throws `ERR_INSECURE_FILE`
 * when what is in its place can be read by nobody: waiting would not help.
 */
export function tryStartLock(file: string): (() => void) | undefined {
  const name = nameOf(process.pid) ?? String(process.pid);
  let fd: number;
  try {
    fd = openSync(file, 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if (isStale(file)) rmSync(file, { force: true });
    return undefined;
  }
  try {
    writeSync(fd, name);
  } finally {
    closeSync(fd);
  }
  return () => {
    try {
      if (read(file) === name) rmSync(file, { force: true });
    } catch {
      // It is no longer ours.
    }
  };
}

function isStale(file: string): boolean {
  const name = read(file);
  if (name === undefined) return false;
  const pid = Number.parseInt(name, 10);
  if (Number.isSafeInteger(pid)) return nameOf(pid) !== name;
  const written = statSync(file, { throwIfNoEntry: false })?.mtimeMs;
  return written !== undefined && Math.abs(systemClock.now() - written) > unnamedMs;
}

/** What a living process writes into its lock; its pid alone where there is no /proc. */
function nameOf(pid: number): string | undefined {
  if (process.platform === 'linux') {
    const stat = readStat(pid);
    return stat && `${pid} ${stat.startTime}`;
  }
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return undefined;
  }
  return `${pid}`;
}

/** Undefined when it has just gone. */
function read(file: string): string | undefined {
  const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
  try {
    return readFileSync(file, { encoding: 'utf8', flag: O_NOFOLLOW | O_NONBLOCK | O_RDONLY });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new BrokerError('ERR_INSECURE_FILE', `the lock ${file} is not a file of this user's`, {
      hint: 'move it away',
      subject: file,
      cause: error,
    });
  }
}
