import { closeSync } from 'node:fs';
import type { HeldProcess } from './platform.ts';

/** The calls that it takes, each as the C library has it. */
export interface PidfdCalls {
  /** A pidfd of the process at the other end of a socket, open; what else `SO_PEERPIDFD` says. */
  readonly peerPidfd: (fd: number) => number | 'ended' | 'unknown';
  /** poll(2) without waiting: how many of one `struct pollfd` are ready. Throws when the kernel does not say. */
  readonly poll: (pollfd: Buffer) => number;
}

interface Held {
  readonly pidfd: number;
  readonly pollfd: Buffer;
  holders: number;
}

const POLLIN = 1;
const ended: HeldProcess = { ended: true, release: () => {} };

/**
 * Processes that connected, each by a pidfd, which stays that process's whatever its pid is used for. To
 * ask it takes a twentieth of what /proc/PID/stat does. The connections of a process share one, since
 * descriptors may be few: `most` of them are held.
 */
export function createHeldProcesses(
  { peerPidfd, poll }: PidfdCalls,
  most: number,
): (fd: number, pid: number) => HeldProcess | undefined {
  /** Living ones, by pid. */
  const held = new Map<number, Held>();
  let open = 0;

  const hasEnded = ({ pollfd }: Pick<Held, 'pollfd'>): boolean => poll(pollfd) !== 0;

  const holder = (pid: number, one: Held): HeldProcess => {
    one.holders += 1;
    return {
      get ended() {
        return hasEnded(one);
      },
      release() {
        one.holders -= 1;
        if (one.holders > 0) return;
        closeSync(one.pidfd);
        open -= 1;
        if (held.get(pid) === one) held.delete(pid);
      },
    };
  };

  return (fd, pid) => {
    const pidfd = peerPidfd(fd);
    if (pidfd === 'ended') return ended;
    if (pidfd === 'unknown') return undefined;
    const one = { pidfd, pollfd: pollfdOf(pidfd), holders: 0 };
    if (hasEnded(one)) {
      closeSync(pidfd);
      return ended;
    }
    // Two that live and have one pid are one process.
    const same = held.get(pid);
    const isShared = same !== undefined && !hasEnded(same);
    if (isShared || open >= most) {
      closeSync(pidfd);
      return isShared ? holder(pid, same) : undefined;
    }
    held.set(pid, one);
    open += 1;
    return holder(pid, one);
  };
}

/** `struct pollfd { int fd; short events; short revents; }`: readable once the process has ended. */
function pollfdOf(pidfd: number): Buffer {
  const pollfd = Buffer.alloc(8);
  pollfd.writeInt32LE(pidfd);
  pollfd.writeInt16LE(POLLIN, 4);
  return pollfd;
}
