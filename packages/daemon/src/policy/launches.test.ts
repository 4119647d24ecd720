import { describe, expect, test } from 'vitest';
import { machine, peerOf } from '../testing/fake-machine.ts';
import { createLaunches, isLaunched } from './launches.ts';

describe('a launch of ours', () => {
  test('is known by its process, its children and theirs', () => {
    const platform = machine({ 20: {}, 21: { parent: 20 }, 22: { parent: 21 }, 30: {} });
    const launches = createLaunches(platform);
    launches.add(peerOf(20));
    const launched = [20, 21, 22, 30].filter((pid) => isLaunched(peerOf(pid), platform, launches));
    expect(launched).toEqual([20, 21, 22]);
  });

  test('is known where it is the first process of a container', () => {
    const platform = machine({ 1: { parent: 0 }, 7: { parent: 1 } });
    const launches = createLaunches(platform);
    launches.add(peerOf(1));
    expect(isLaunched(peerOf(7), platform, launches)).toBe(true);
  });

  test('is not a process that has the pid of one that ended', () => {
    const platform = machine({ 20: { startTime: 'later' } });
    const launches = createLaunches(platform);
    launches.add(peerOf(20));
    expect(isLaunched({ ...peerOf(20), startTime: 'later' }, platform, launches)).toBe(false);
  });

  test('is known by its mark when its parents have left it behind, as are its children', () => {
    const platform = machine({ 40: { variables: ['MCP_LAUNCH'] }, 41: { parent: 40 } });
    const launches = createLaunches(platform);
    expect([40, 41].map((pid) => isLaunched(peerOf(pid), platform, launches))).toEqual([
      true,
      true,
    ]);
  });
});

test.each([
  ['that has gone', {}],
  ['whose pid has gone to another', { 50: { startTime: 'later' } }],
  ['in a circle of parents', { 50: { parent: 51 }, 51: { parent: 50 } }],
])('a peer %s counts as launched', (_title, processes) => {
  const platform = machine(processes);
  expect(isLaunched(peerOf(50), platform, createLaunches(platform))).toBe(true);
});

test('a parent that is hidden from us is no launch', () => {
  const platform = machine({ 50: { parent: 49 } });
  expect(isLaunched(peerOf(50), platform, createLaunches(platform))).toBe(false);
});

test('launches that ended are forgotten once there are many', () => {
  const platform = machine({ 5000: {} });
  const launches = createLaunches(platform);
  for (let pid = 1000; pid <= 5200; pid += 1) launches.add(peerOf(pid));
  expect(launches.has(5000, 'start of 5000')).toBe(true);
  expect(launches.has(1000, 'start of 1000')).toBe(false);
});

test('of thousands that live not each is looked at for every one that comes', () => {
  const pids = Array.from({ length: 8000 }, (_, index) => index + 1);
  const platform = machine(Object.fromEntries(pids.map((pid) => [pid, {}])));
  let looks = 0;
  const launches = createLaunches({
    ...platform,
    startTime(pid) {
      looks += 1;
      return platform.startTime(pid);
    },
  });
  for (const pid of pids) launches.add(peerOf(pid));
  expect(looks).toBe(4096);
  expect(pids.every((pid) => launches.has(pid, `start of ${pid}`))).toBe(true);
});
