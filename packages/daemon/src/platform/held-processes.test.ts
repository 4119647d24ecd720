import { fstatSync, openSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createHeldProcesses } from './held-processes.ts';

/** Processes by the number of a socket: each is asked for by a descriptor of its own, and lives or not. */
function processes(most: number): {
  readonly hold: ReturnType<typeof createHeldProcesses>;
  readonly open: () => number;
  /** Those that this one has opened live no more. */
  end(socket: number): void;
} {
  const sockets = new Map<number, number>();
  const ended = new Set<number>();
  const hold = createHeldProcesses(
    {
      peerPidfd(socket) {
        const pidfd = openSync('/dev/null', 'r');
        sockets.set(pidfd, socket);
        return pidfd;
      },
      poll: (pollfd) => (ended.has(sockets.get(pollfd.readInt32LE()) ?? -1) ? 1 : 0),
    },
    most,
  );
  return {
    hold,
    open: () => [...sockets.keys()].filter(isOpen).length,
    end: (socket) => void ended.add(socket),
  };
}

function isOpen(fd: number): boolean {
  try {
    fstatSync(fd);
    return true;
  } catch {
    return false;
  }
}

test('the connections of one process share one descriptor, which the last of them closes', () => {
  const { hold, open } = processes(10);
  const all = [hold(1, 42), hold(2, 42), hold(3, 42)];
  expect(all.map((one) => one?.ended)).toEqual([false, false, false]);
  expect(open()).toBe(1);
  all[0]?.release();
  all[2]?.release();
  expect([open(), all[1]?.ended]).toEqual([1, false]);
  all[1]?.release();
  expect(open()).toBe(0);
});

test('another process with the pid of one that has ended is not taken for it', () => {
  const { hold, open, end } = processes(10);
  const first = hold(1, 42);
  end(1);
  const second = hold(2, 42);
  expect([first?.ended, second?.ended, open()]).toEqual([true, false, 2]);
  second?.release();
  first?.release();
  expect(open()).toBe(0);
});

test('a process that has ended before it is held is told, and nothing is kept of it', () => {
  const { hold, open, end } = processes(10);
  end(1);
  expect([hold(1, 42)?.ended, open()]).toEqual([true, 0]);
});

test('of more processes than there are descriptors for none is held, until one is let go of', () => {
  const { hold, open } = processes(2);
  const [first, second] = [hold(1, 41), hold(2, 42)];
  expect([hold(3, 43), open()]).toEqual([undefined, 2]);
  // It takes no descriptor more.
  expect(hold(4, 42)?.ended).toBe(false);
  first?.release();
  expect([hold(3, 43)?.ended, second?.ended, open()]).toEqual([false, false, 2]);
});

test.each([
  ['ended' as const, true],
  ['unknown' as const, undefined],
])('where the kernel gives no descriptor: %s', (peerPidfd, expected) => {
  const hold = createHeldProcesses({ peerPidfd: () => peerPidfd, poll: () => 0 }, 10);
  expect(hold(1, 42)?.ended).toBe(expected);
});
