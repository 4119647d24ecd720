import { expect, test } from 'vitest';
import type { Platform } from '../platform/platform.ts';
import { fakeClock } from '../testing/fake-clock.ts';
import { createPeerWatch, type Watched } from './peer-watch.ts';

/** So many connections, each of a process of its own that lives. */
function connections(count: number): {
  readonly watched: Set<Watched>;
  readonly platform: Platform;
  readonly gone: Set<number>;
  readonly ended: number[];
  readonly looks: number[];
} {
  const watched = new Set<Watched>();
  const gone = new Set<number>();
  const ended: number[] = [];
  const looks: number[] = [];
  const startTime = (pid: number): string | undefined => {
    looks.push(pid);
    return gone.has(pid) ? undefined : '1';
  };
  for (let pid = 1; pid <= count; pid += 1) {
    const one: Watched = {
      peer: { pid, uid: 0, startTime: '1' },
      check() {
        ended.push(pid);
        watched.delete(one);
      },
    };
    watched.add(one);
  }
  return { watched, platform: { startTime } as unknown as Platform, gone, ended, looks };
}

test('of ten thousand processes each is looked at every two seconds, a few hundred together', () => {
  const clock = fakeClock();
  const { watched, platform, looks } = connections(10_000);
  const watch = createPeerWatch(platform, clock, watched);
  watch.start();
  for (let round = 0; round < 20; round += 1) {
    const before = looks.length;
    clock.pass(100);
    expect(looks.length - before).toBe(500);
  }
  expect(new Set(looks).size).toBe(10_000);
  watch.stop();
  expect(clock.timers).toBe(0);
});

test('a connection whose process has gone ends at the second look, and no other', () => {
  const clock = fakeClock();
  const { watched, platform, gone, ended } = connections(1200);
  const watch = createPeerWatch(platform, clock, watched);
  watch.start();
  gone.add(7);
  clock.pass(2000);
  expect(ended).toEqual([]);
  clock.pass(2000);
  expect(ended).toEqual([7]);
  expect(watched.size).toBe(1199);
  watch.stop();
});

test('one that has ended by itself since is not looked at', () => {
  const clock = fakeClock();
  const { watched, platform, looks } = connections(600);
  const watch = createPeerWatch(platform, clock, watched);
  watch.start();
  clock.pass(1000);
  for (const one of watched) if (!looks.includes(one.peer.pid)) watched.delete(one);
  clock.pass(1000);
  expect(looks).toHaveLength(500);
  watch.stop();
});
