import { describe, expect, test } from 'vitest';
import type { Platform, ProcessFacts } from '../platform/platform.ts';
import { createLaunches, requirePresence } from './presence.ts';

/** A machine with a few processes: pid → parent, start time and terminal. */
function machine(processes: Record<number, Partial<ProcessFacts>>): Platform {
  const facts = (pid: number): ProcessFacts | undefined =>
    processes[pid] && {
      parent: 1,
      startTime: `start of ${pid}`,
      hasTerminal: true,
      workingDirectory: '/',
      ...processes[pid],
    };
  return { process: facts, startTime: (pid: number) => facts(pid)?.startTime } as Platform;
}
const peer = (pid: number): { pid: number; uid: number; startTime: string } => ({
  pid,
  uid: 0,
  startTime: `start of ${pid}`,
});

describe('presence', () => {
  test('is seen in a process with a controlling terminal', () => {
    const platform = machine({ 10: {} });
    expect(() => {
      requirePresence(peer(10), platform, createLaunches(platform), 'needed');
    }).not.toThrow();
  });

  test('is not seen without one, unless none is needed', () => {
    const platform = machine({ 10: { hasTerminal: false } });
    const launches = createLaunches(platform);
    expect(() => {
      requirePresence(peer(10), platform, launches, 'needed');
    }).toThrow('this needs a person at a terminal');
    expect(() => {
      requirePresence(peer(10), platform, launches, 'not needed');
    }).not.toThrow();
  });

  test('is not seen in a launch, its children or theirs, terminal or not', () => {
    const platform = machine({ 20: {}, 21: { parent: 20 }, 22: { parent: 21 } });
    const launches = createLaunches(platform);
    launches.add(peer(20));
    for (const pid of [20, 21, 22]) {
      for (const terminal of ['needed', 'not needed'] as const) {
        expect(() => {
          requirePresence(peer(pid), platform, launches, terminal);
        }).toThrow('a server that was launched here cannot do this');
      }
    }
  });

  test('is not denied to a process that has the pid of a launch that ended', () => {
    const platform = machine({ 20: { startTime: 'later' } });
    const launches = createLaunches(platform);
    launches.add(peer(20));
    expect(() => {
      requirePresence({ ...peer(20), startTime: 'later' }, platform, launches, 'needed');
    }).not.toThrow();
  });
});

test('launches that ended are forgotten once there are many', () => {
  const platform = machine({ 5000: {} });
  const launches = createLaunches(platform);
  for (let pid = 1000; pid <= 5200; pid += 1) launches.add(peer(pid));
  expect(launches.has(5000, 'start of 5000')).toBe(true);
  expect(launches.has(1000, 'start of 1000')).toBe(false);
});
