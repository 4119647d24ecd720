import { beforeEach, describe, expect, test } from 'vitest';
import type { AuditEvent } from '../audit/event.ts';
import type { LaunchJournal, RunningLaunch } from './launch-journal.ts';
import type { Connection } from '../listener/handler.ts';
import { createRunning, type Running } from './running.ts';
import { machine, peerOf, type FakeProcess } from '../testing/fake-machine.ts';
import { fakeClock, type FakeClock } from '../testing/fake-clock.ts';

// Launches of which the wrapper has become the server.

const launch: RunningLaunch = {
  launch: 'a',
  variables: ['TOKEN'],
  since: Date.UTC(2026, 0, 1),
  wrapper: peerOf(7),
  replaced: true,
};

let clock: FakeClock;
let processes: Record<number, FakeProcess>;
let lines: AuditEvent[];
let journalled: string[];

beforeEach(() => {
  clock = fakeClock();
  processes = { 7: {}, 8: { parent: 7 } };
  lines = [];
  journalled = [];
});

function createAll(before: readonly RunningLaunch[] = []): Running {
  const journal: LaunchJournal = {
    before,
    put: (one) => void journalled.push(one.launch),
    remove: (one) => void journalled.splice(journalled.indexOf(one), 1),
  };
  const platform = machine(processes);
  return createRunning({ journal, platform, clock, record: (line) => void lines.push(line) });
}

function connection(): Connection & { close(): void } {
  let onClose = (): void => undefined;
  return {
    id: 1,
    send: () => undefined,
    onClose: (action) => {
      onClose = action;
    },
    close: () => {
      onClose();
    },
  };
}

/** One whose connection has closed by becoming the server. */
function follow(): Running {
  const running = createAll();
  const held = connection();
  running.taken(launch, held);
  held.close();
  return running;
}

test('is followed without a connection, and its end is written down without an exit code', () => {
  const running = follow();
  clock.pass(60_000);
  expect(running.list).toEqual([launch]);
  expect(lines).toEqual([]);
  delete processes[7];
  expect(running.list).toEqual([]);
  clock.pass(2000);
  const { since: _since, wrapper: _wrapper, replaced: _replaced, ...about } = launch;
  expect(lines).toEqual([
    {
      event: 'exit',
      outcome: 'allowed',
      pid: 7,
      duration_ms: expect.any(Number) as number,
      ...about,
    },
  ]);
  expect([journalled, clock.timers]).toEqual([[], 0]);
});

test('is not taken for another process that has got its pid', () => {
  const running = follow();
  processes[7] = { startTime: 'later' };
  expect(running.list).toEqual([]);
  clock.pass(2000);
  expect(lines).toHaveLength(1);
});

test('is followed from the journal by the next daemon, to an end that came before it too', () => {
  const other = { ...launch, launch: 'b', wrapper: peerOf(9) };
  const running = createAll([launch, other]);
  running.resume();
  expect(running.list).toEqual([launch]);
  clock.pass(100);
  expect(lines.map((line) => line.launch)).toEqual(['b']);
  delete processes[7];
  clock.pass(2000);
  expect(lines.map((line) => line.launch)).toEqual(['b', 'a']);
});

test('of the launches that one process took to become them, the last is followed', () => {
  const running = createAll();
  for (const name of ['b', 'c', 'a']) running.taken({ ...launch, launch: name }, connection());
  running.taken({ ...launch, launch: 'd', wrapper: peerOf(8) }, connection());
  expect(running.list.map((one) => one.launch)).toEqual(['a', 'd']);
  expect([journalled, lines]).toEqual([['a', 'd'], []]);
});

describe('what the server says of its launch', () => {
  const denied = expect.objectContaining({ code: 'ERR_DENIED' }) as Error;

  test('is refused: it ends when it ends', () => {
    const running = follow();
    expect(() => running.ended('a', peerOf(7), 0, connection())).toThrow(denied);
    expect(() => running.started('a', 8, peerOf(7), connection())).toThrow(denied);
    expect(running.list).toEqual([launch]);
  });

  test('counts as long as it is still the wrapper: one that could not start is not followed', () => {
    const running = createAll();
    const held = connection();
    running.taken(launch, held);
    running.ended('a', peerOf(7), 126, held);
    held.close();
    clock.pass(10_000);
    expect([running.list, lines, journalled, clock.timers]).toEqual([[], [], [], 0]);
  });
});
