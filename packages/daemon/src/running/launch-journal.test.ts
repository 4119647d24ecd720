import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lacks } from '../../../../test/kit/needs.ts';
import { openLaunchJournal, type RunningLaunch } from './launch-journal.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-journal-'));
  path = join(folder, 'launches');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const launch = (name: string): RunningLaunch => ({
  launch: name,
  variables: ['TOKEN'],
  since: 5,
  client: 'mcp exec',
  parent: { pid: 6, name: 'claude' },
  wrapper: { pid: 7, startTime: '70' },
});
const server = { pid: 8, startTime: '80' };

test('the next daemon knows what runs, and of a launch that was told twice the last', () => {
  const journal = openLaunchJournal(path, 'boot');
  for (const name of ['a', 'b', 'c']) journal.put(launch(name));
  journal.put({ ...launch('b'), process: server });
  journal.remove('a');
  const again = [{ ...launch('b'), process: server }, launch('c')];
  expect(openLaunchJournal(path, 'boot').before).toEqual(again);
  expect(openLaunchJournal(path, 'boot').before).toEqual(again);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('what ran before the machine restarted is forgotten: its pids are others’ now', () => {
  openLaunchJournal(path, 'boot').put(launch('a'));
  expect(openLaunchJournal(path, 'another').before).toEqual([]);
  expect(openLaunchJournal(path, 'boot').before).toEqual([]);
});

test.each([
  ['a line that was cut off', '{"launch":"b","va'],
  ['a launch without a wrapper', '{"launch":"b","variables":[],"since":1}'],
  [
    'a pid that is none',
    '{"launch":"b","variables":[],"since":1,"wrapper":{"pid":"-1","startTime":"1"}}',
  ],
  [
    'a parent that is none',
    '{"launch":"b","variables":[],"since":1,"parent":{"pid":1},"wrapper":{"pid":1,"startTime":"1"}}',
  ],
  ['no object', 'null'],
])('%s is passed over', (_what, line) => {
  openLaunchJournal(path, 'boot').put(launch('a'));
  appendFileSync(path, line);
  expect(openLaunchJournal(path, 'boot').before).toEqual([launch('a')]);
});

test('the file does not grow with launches that have ended', () => {
  const journal = openLaunchJournal(path, 'boot');
  journal.put(launch('stays'));
  for (let index = 0; index < 1000; index += 1) {
    journal.put(launch(`l${index}`));
    journal.remove(`l${index}`);
  }
  expect(readFileSync(path, 'utf8').trim().split('\n')).toHaveLength(2);
  expect(openLaunchJournal(path, 'boot').before).toEqual([launch('stays')]);
});

test('a file that others may write is refused', () => {
  openLaunchJournal(path, 'boot');
  chmodSync(path, 0o666);
  expect(() => openLaunchJournal(path, 'boot')).toThrow(/can be reached by other users/u);
});

// Node ignores SIGXFSZ: beyond the limit a write fails, or is cut short, as on a disk that is full.
test.skipIf(lacks('linux', 'prlimit'))(
  'a disk that is full ends nothing, and what it did not take follows later',
  () => {
    const limitFiles = (bytes: number | 'unlimited'): void => {
      const limit = `--fsize=${bytes}:`;
      execFileSync('prlimit', ['--pid', String(process.pid), limit]);
    };
    const journal = openLaunchJournal(path, 'boot');
    for (const name of ['a', 'b']) journal.put(launch(name));
    // The first of these is cut short in the middle of its line.
    limitFiles(statSync(path).size + 5);
    try {
      for (const name of ['a', 'b']) journal.put({ ...launch(name), process: server });
      journal.put(launch('c'));
      journal.remove('b');
    } finally {
      limitFiles('unlimited');
    }
    journal.put(launch('d'));
    const all = [{ ...launch('a'), process: server }, launch('c'), launch('d')];
    expect(openLaunchJournal(path, 'boot').before).toEqual(all);
  },
);
