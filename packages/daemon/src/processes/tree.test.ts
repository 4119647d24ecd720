import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { lacks } from '../../../../test/kit/needs.ts';
import { trackProcesses } from '../../../../test/kit/started.ts';
import { sleep, systemClock } from '../clock.ts';
import { readStat } from '../platform/proc.ts';
import { createTree, type TreeOptions } from './tree.ts';

const started = trackProcesses();
const byClock = { sleep, monotonic: systemClock.monotonic };
const polled = { timeout: 15_000 };

afterEach(() => {
  started.kill();
});

interface Script {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly startTime: string;
  /** What it printed: pids of what it started. */
  readonly pids: readonly number[];
}

/** In a session of its own; says `pids` first. */
async function start(script: string, env: Readonly<Record<string, string>> = {}): Promise<Script> {
  const child = spawn('sh', ['-c', script], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
  });
  const pid = child.pid ?? 0;
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  const pids = String(said).trim().split(' ').map(Number);
  started.add(pid, ...pids);
  return { child, pid, startTime: readStat(pid)?.startTime ?? '', pids };
}

const livingOf = (options: Partial<TreeOptions>): number[] =>
  createTree({ ownSession: false, since: '0', ...options })
    .living()
    .map(({ pid }) => pid)
    .sort((a, b) => a - b);

/** With two children, of which the second has left the session. */
async function startFamily(): Promise<Script> {
  const script = await start('sleep 300 & one=$!; setsid sleep 300 & echo $one $!; read line');
  const [, second = 0] = script.pids;
  await expect.poll(() => readStat(second)?.session, polled).toBe(second);
  return script;
}

describe.skipIf(lacks('linux', 'setsid'))('a tree', () => {
  test('has what descends from the server, in whatever session', async () => {
    const { pid, startTime, pids } = await startFamily();
    const all = [pid, ...pids].sort((a, b) => a - b);
    expect(livingOf({ root: { pid, startTime } })).toEqual(all);
  });

  test('has what was seen, once its parents are gone', async () => {
    const { child, pid, startTime, pids } = await startFamily();
    const tree = createTree({ root: { pid, startTime }, ownSession: false, since: '0' });
    expect(tree.living()).toHaveLength(3);
    child.stdin?.end();
    await once(child, 'exit');
    expect(tree.living().map((one) => one.pid)).toEqual(expect.arrayContaining([...pids]));
    expect(livingOf({ root: { pid, startTime } })).toEqual([]);
  });

  test('has the session that the server led, once it is gone', async () => {
    const { child, pid, startTime, pids } = await startFamily();
    child.stdin?.end();
    await once(child, 'exit');
    expect(livingOf({ root: { pid, startTime }, ownSession: true })).toEqual([pids[0]]);
    expect(livingOf({ root: { pid }, ownSession: true })).toEqual([pids[0]]);
  });

  test('has what carries the mark of the launch, but for what was there before it', async () => {
    const { pid, startTime } = await start('echo 1; read line', { MCP_LAUNCH: 'tree-test' });
    expect(livingOf({ launch: 'tree-test' })).toEqual([pid]);
    expect(livingOf({ launch: 'tree-test', since: startTime })).toEqual([pid]);
    const later = String(BigInt(startTime) + 1n);
    expect(livingOf({ launch: 'tree-test', since: later })).toEqual([]);
  });

  test.each<[what: string, startTime: string | undefined]>([
    ['of another start time', '1'],
    ['of a server that has ended', undefined],
  ])('has not a stranger with the pid %s, nor the session of that', async (_what, startTime) => {
    const { pid } = await startFamily();
    expect(livingOf({ root: { pid, startTime }, ownSession: true })).toEqual([]);
  });

  test('is ended by SIGKILL as soon as it is to be sooner', async () => {
    const { pid, startTime } = await start(`trap '' TERM; echo 1; while :; do sleep 0.05; done`);
    const tree = createTree({ root: { pid, startTime }, ownSession: true, since: startTime });
    let graceMs = 60_000;
    const ended = tree.end(() => graceMs, byClock);
    await expect.poll(() => tree.living().length, polled).toBeGreaterThan(0);
    graceMs = 0;
    expect(await ended).toBe(true);
    expect(readStat(pid)).toBeUndefined();
    expect(await tree.end(() => 0, byClock)).toBe(false);
  });
});

test.skipIf(lacks('linux'))(
  'on a machine that is slow to look at its processes, SIGKILL comes no later',
  async () => {
    const stubborn = spawn('sh', ['-c', 'trap "" TERM; echo; while :; do sleep 1; done'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(stubborn.stdout, 'data');
    const ended = once(stubborn, 'exit');
    const startTime = readStat(stubborn.pid ?? 0)?.startTime ?? '';
    const tree = createTree({
      root: { pid: stubborn.pid ?? 0, startTime },
      ownSession: false,
      since: startTime,
    });
    // At each look half a second goes by, whatever was asked for.
    let now = 0;
    const waiting = {
      sleep: async (ms: number): Promise<void> => {
        now += 500;
        await Promise.race([ended, sleep(ms)]);
      },
      monotonic: () => now,
    };
    let endedAt: number | undefined;
    stubborn.once('exit', () => (endedAt = now));
    expect(await tree.end(() => 2000, waiting)).toBe(true);
    expect(await ended).toEqual([null, 'SIGKILL']);
    // Counted by what was asked for, the two seconds would be fifty.
    expect(endedAt).toBeLessThan(27_000);
  },
);
