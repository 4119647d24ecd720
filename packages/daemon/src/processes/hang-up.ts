import { closeSync, writeSync } from 'node:fs';
import { loadKoffi } from '../platform/koffi.ts';

// From <asm-generic/poll.h> and <sys/eventfd.h> of Linux.
const POLLIN = 0x1;
const POLLERR = 0x8;
const POLLHUP = 0x10;
const EFD_CLOEXEC = 0o2000000;

/**
 * Calls back once whoever had the other end has closed it, be it a socket or a pipe, and takes not a byte:
 * the kernel is asked by a thread that sleeps until then. A socket that was shut for writing alone has
 * somebody at it who still listens. Gives the end of it, which has to be called before this process exits,
 * else the exit waits for that thread. Linux alone; elsewhere nothing is watched.
 */
export function watchHangUp(fd: number, onHangUp: () => void): () => void {
  if (process.platform !== 'linux') return () => undefined;
  const library = loadKoffi().load(null);
  const eventfd = library.func('int eventfd(unsigned int, int)') as (
    start: number,
    flags: number,
  ) => number;
  const poll = library.func('int poll(void *, unsigned long, int)');
  const wake = eventfd(0, EFD_CLOEXEC);
  if (wake < 0) return () => undefined;

  // struct pollfd { int fd; short events; short revents; }, twice. Of the first no event is asked for: that
  // the other end was closed is told always.
  const polled = Buffer.alloc(16);
  polled.writeInt32LE(fd, 0);
  polled.writeInt32LE(wake, 8);
  polled.writeInt16LE(POLLIN, 12);
  let stopped = false;
  const look = (): void => {
    poll.async(polled, 2, -1, (_error: unknown, ready: number) => {
      const events = polled.readInt16LE(6);
      if (stopped) closeSync(wake);
      else if ((events & (POLLHUP | POLLERR)) !== 0) onHangUp();
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
