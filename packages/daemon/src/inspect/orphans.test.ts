import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { readStat } from '../platform/proc.ts';
import { findOrphans } from './orphans.ts';

const launch = 'orphans-test-launch';
let folder = '';
let child: ChildProcess;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-orphans-'));
  child = spawn('sleep', ['300'], { env: { ...process.env, MCP_LAUNCH: launch }, stdio: 'ignore' });
  // Elsewhere there is no /proc, and nothing is tested.
  if (process.platform !== 'linux') return;
  await vi.waitUntil(() => readStat(child.pid ?? 0)?.name === 'sleep');
});
afterAll(() => {
  child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

const own = { pid: process.pid, startTime: readStat(process.pid)?.startTime ?? '' };
/** A pid that was another's before: nobody has started at the boot itself. */
const gone = { pid: process.pid, startTime: '1' };
const boot = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
const entry = { launch, variables: ['TOKEN'], since: 0, wrapper: gone };

function find(...lines: readonly (object | string)[]): ReturnType<typeof findOrphans> {
  const journal = join(folder, 'launches');
  const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
  writeFileSync(journal, `${text.join('\n')}\n`);
  return findOrphans(journal);
}

describe.runIf(process.platform === 'linux')('what a killed wrapper left', () => {
  test('is found by its mark, and by the pid that the wrapper told', () => {
    const found = [{ launch, server: 'one', pids: [child.pid] }];
    expect(find({ boot: boot() }, { ...entry, server: 'one' })).toEqual(found);
    const startTime = readStat(child.pid ?? 0)?.startTime;
    const told = {
      ...entry,
      launch: 'other',
      server: 'one',
      process: { pid: child.pid, startTime },
    };
    expect(find({ boot: boot() }, told)).toEqual([{ ...found[0], launch: 'other' }]);
  });

  test.each([
    ['while the wrapper lives', () => [{ boot: boot() }, { ...entry, wrapper: own }]],
    ['when the wrapper became the server', () => [{ boot: boot() }, { ...entry, replaced: true }]],
    ['once the launch has ended', () => [{ boot: boot() }, entry, { ended: launch }]],
    ['of another boot of the machine', () => [{ boot: 'another' }, entry]],
    ['of another launch', () => [{ boot: boot() }, { ...entry, launch: 'another' }]],
    ['in a journal that is none', () => ['nonsense', '{"boot":1', '[]']],
  ])('is not found %s', (_, lines) => {
    expect(find(...lines())).toEqual([]);
  });

  test('is not found without a journal', () => {
    expect(findOrphans(join(folder, 'nowhere'))).toEqual([]);
  });
});
