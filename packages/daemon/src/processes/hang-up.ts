import { closeSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import type Koffi from 'koffi';

// From <asm-generic/poll.h> and <sys/eventfd.h> of Linux.
const POLLIN = 0x1;
const POLLERR = 0x8;
const POLLHUP = 0x10;
const EFD_CLOEXEC = 0o2000000;
/** One struct pollfd { int fd; short events; short revents; }. */
const polledSize = 8;
const eventsAt = 4;
const returnedAt = 6;

/**
 * Whoever had the other end has closed it: both ways of a socket, the last end of a pipe. A socket that was
 * shut for writing alone has somebody at it who still listens. Linux alone; elsewhere false.
 */
export function hasHungUp(fd: number): boolean {
  if (process.platform !== 'linux') return false;
  const polled = Buffer.alloc(polledSize);
  polled.writeInt32LE(fd, 0);
  return declarePoll(loadLibrary())(polled, 1, 0) > 0 && saysHungUp(polled);
}

/**
 * Calls back once `hasHungUp`, and takes not a byte: the kernel is asked by a thread that sleeps until then.
 * Gives the end of it, which has to be called before this process exits, else the exit waits for that
 * thread. Linux alone; elsewhere nothing is watched.
 */
export function watchHangUp(fd: number, onHangUp: () => void): () => void {
  if (process.platform !== 'linux') return () => undefined;
  const library = loadLibrary();
  const eventfd = library.func('int eventfd(unsigned int, int)') as (
    start: number,
    flags: number,
  ) => number;
  const poll = declarePoll(library);
  const wake = eventfd(0, EFD_CLOEXEC);
  if (wake < 0) return () => undefined;

  // No event is asked for: these two are told always.
  const polled = Buffer.alloc(2 * polledSize);
  polled.writeInt32LE(fd, 0);
  polled.writeInt32LE(wake, polledSize);
  polled.writeInt16LE(POLLIN, polledSize + eventsAt);
  let stopped = false;
  const look = (): void => {
    poll.async(polled, 2, -1, (_error: unknown, ready: number) => {
      if (stopped) closeSync(wake);
      else if (saysHungUp(polled)) onHangUp();
      else if (ready < 0) look();
    });
  };
  look();
  return () => {
    if (stopped) return;
    stopped = true;
    writeSync(wake, Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]));
  };
}

function saysHungUp(polled: Buffer): boolean {
  return (polled.readInt16LE(returnedAt) & (POLLHUP | POLLERR)) !== 0;
}

type Library = ReturnType<typeof Koffi.load>;

function loadLibrary(): Library {
  const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
  return koffi.load(null);
}

function declarePoll(library: Library): ReturnType<Library['func']> {
  return library.func('int poll(void *, unsigned long, int)');
}
