import { closeSync, openSync, readSync } from 'node:fs';
import { constants } from 'node:os';
import { openLibc, type Libc } from '../platform/libc.ts';

/** What this process is to become. */
export interface Image {
  /** What the kernel opens. */
  readonly file: string;
  /** What the program sees as its arguments, its own name first. */
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Becomes another program: same pid, same start time, and nothing left of this one. Returns only when
 * that cannot be, with the name of the error, such as `ENOENT`.
 */
export type Replace = (image: Image) => string;

/** Numbers of <fcntl.h>, <signal.h> and <sys/resource.h>; those of macOS are from its headers, and untested. */
const F_SETFD = 2;
const SIG_DFL = 0;
const SIG_IGN = 1;
const [SIG_SETMASK, RLIMIT_NOFILE, EWOULDBLOCK] =
  process.platform === 'darwin' ? ([3, 8, 35] as const) : ([2, 7, 11] as const);
/** No signal, in a sigset_t that is larger than any. */
const noSignals = Buffer.alloc(128);
const ignoredByNode = [constants.signals.SIGPIPE, constants.signals.SIGXFSZ];

/**
 * Not by `process.execve`: that ends Node when it fails, with a trace and perhaps a core file, and it hands on
 * what Node has made of this process: SIGUSR1 is blocked, two signals are ignored and no others, and the
 * limit of open files is raised.
 *
 * @param before How this process was started: the soft limit of open files, and in hex the mask of ignored
 * signals. What is not told stays as Node has it.
 */
export function createReplace(before = ''): Replace {
  const libc = openLibc(EWOULDBLOCK);
  const execve = libc.declare('int execve(const char *, const char **, const char **)');
  const setMask = libc.declare('int pthread_sigmask(int, void *, void *)');
  const signal = libc.declare('uintptr_t signal(int, uintptr_t)');

  const start = (file: string, argv: readonly string[], environment: readonly string[]): string => {
    // C would take the first part for the whole.
    if ([file, ...argv, ...environment].some((text) => text.includes('\0'))) return 'EINVAL';
    execve(file, [...argv, null], [...environment, null]);
    return errorName(libc.errno());
  };

  const [limit = '', mask = ''] = before.trim().split(/\s+/u);
  const ignored = signalsOf(mask);

  return ({ file, argv, environment }) => {
    const entries = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    for (const number of ignoredByNode) signal(number, SIG_DFL);
    for (const number of ignored) signal(number, SIG_IGN);
    if (/^\d+$/u.test(limit)) restoreLimit(libc, BigInt(limit));
    keepStreams(libc);
    // What was sent to us and is blocked ends us now, as it would have.
    setMask(SIG_SETMASK, noSignals, Buffer.alloc(noSignals.length));
    const code = start(file, argv, entries);
    const last =
      code === 'ENOEXEC' && isText(file)
        ? start('/bin/sh', ['/bin/sh', file, ...argv.slice(1)], entries)
        : code;
    // For what is still to be written.
    for (const number of ignoredByNode) signal(number, SIG_IGN);
    return last;
  };
}

/** Bit 0 is signal 1, as in /proc/PID/status. */
function signalsOf(mask: string): number[] {
  if (!/^[\da-f]+$/u.test(mask)) return [];
  const bits = BigInt(`0x${mask}`);
  const all = Array.from({ length: 64 }, (_, index) => index + 1);
  return all.filter((number) => (bits >> BigInt(number - 1)) % 2n === 1n);
}

function restoreLimit(libc: Libc, soft: bigint): void {
  const [, hard] = libc.getrlimit(RLIMIT_NOFILE);
  libc.setrlimit(RLIMIT_NOFILE, [soft < hard ? soft : hard, hard]);
}

/** Node marks them to be closed, as it does with all others. */
function keepStreams(libc: Libc): void {
  const fcntl = libc.declare('int fcntl(int, int, ...)');
  for (const fd of [0, 1, 2]) fcntl(fd, F_SETFD, 'int', 0);
}

/** What has no first line that tells who runs it, a shell runs itself, unless it is no text. */
function isText(file: string): boolean {
  const start = Buffer.alloc(128);
  try {
    const fd = openSync(file, 'r');
    const length = readSync(fd, start, 0, start.length, 0);
    closeSync(fd);
    return !start.subarray(0, length).includes(0);
  } catch {
    return false;
  }
}

function errorName(errno: number): string {
  const found = Object.entries(constants.errno).find(([, number]) => number === errno);
  return found?.[0] ?? String(errno);
}
