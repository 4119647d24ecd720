import { closeSync } from 'node:fs';
import type { HeldProcess } from './platform.ts';

/** The calls that it takes, each as the C library has it. */
export interface PidfdCalls {
  /** A pidfd of the process at the other end of a socket, open; what else `SO_PEERPIDFD` says. */
  readonly peerPidfd: (fd: number) => number | 'ended' | 'unknown';
  /** poll(2) without waiting: how many of one `struct pollfd` are ready. Throws when the kernel does not say. */
  readonly poll: (pollfd: Buffer) => number;
}

/** One that is held, for all who hold it. */
class Held implements HeldProcess {
  readonly #pollfd: Buffer;
  readonly #poll: PidfdCalls['poll'];
  readonly #onFree: (held: Held) => void;
  #holders = 0;

  constructor(pidfd: number, poll: PidfdCalls['poll'], onFree: (held: Held) => void) {
    this.#pollfd = pollfdOf(pidfd);
    this.#poll = poll;
    this.#onFree = onFree;
  }

  get ended(): boolean {
    return this.#poll(this.#pollfd) !== 0;
  }

  hold(): this {
    this.#holders += 1;
    return this;
  }

  release(): void {
    this.#holders -= 1;
    if (this.#holders === 0) this.#onFree(this);
  }
}

const POLLIN = 1;
const gone: HeldProcess = { ended: true, release: () => {} };

/**
 * Processes that connected, each by a pidfd, which stays that process's whatever its pid is used for. To
 * ask it takes a tenth of what /proc/PID/stat does. The connections of a process share one, since
 * descriptors may be few: `most` of them are held.
 */
export function createHeldProcesses(
  { peerPidfd, poll }: PidfdCalls,
  most: number,
): (fd: number, pid: number) => HeldProcess | undefined {
  /** Living ones, by pid. */
  const held = new Map<number, Held>();
  let open = 0;

  return (fd, pid) => {
    const pidfd = peerPidfd(fd);
    if (pidfd === 'ended') return gone;
    if (pidfd === 'unknown') return undefined;
    const one = new Held(pidfd, poll, () => {
      closeSync(pidfd);
      open -= 1;
      if (held.get(pid) === one) held.delete(pid);
    });
    if (one.ended) {
      closeSync(pidfd);
      return gone;
    }
    // Two that live and have one pid are one process.
    const same = held.get(pid);
    const isShared = same !== undefined && !same.ended;
    if (isShared || open >= most) {
      closeSync(pidfd);
      return isShared ? same.hold() : undefined;
    }
    held.set(pid, one);
    open += 1;
    return one.hold();
  };
}

/** `struct pollfd { int fd; short events; short revents; }`: readable once the process has ended. */
function pollfdOf(pidfd: number): Buffer {
  const pollfd = Buffer.alloc(8);
  pollfd.writeInt32LE(pidfd);
  pollfd.writeInt16LE(POLLIN, 4);
  return pollfd;
}
