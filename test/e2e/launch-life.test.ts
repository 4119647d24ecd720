import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { auditLines, createHome, mcpCommand, type Home } from '../kit/home.ts';
import { lacks } from '../kit/needs.ts';

// Launches with the real daemon: who is known to run, and that nothing is left, whoever is killed.

/** Ignores SIGTERM and the end of stdin, with a child in its group and one in a session of its own. */
const stubborn = `trap '' TERM HUP INT
  sleep 300 & one=$!
  setsid sh -c 'sleep 300 & wait' & two=$!
  echo pids $$ $one $two
  while :; do sleep 0.05; done`;
/** Ends when it is asked to, but for what it started. */
const gentle = `sleep 300 & one=$!
  setsid sh -c 'sleep 300 & wait' & two=$!
  echo pids $$ $one $two
  exec cat`;
const launchOf = (script: string): string[] => [
  '--server',
  'tree',
  '--env',
  'TOKEN=$<TOKEN>',
  '--',
  'sh',
  '-c',
  script,
];
const long = { timeout: 15_000 };
const rounds = process.env['MCP_TEST_SOAK'] === undefined ? 100 : 1000;
const atOnce = 10;

interface Status {
  readonly pid: number;
  readonly connections: number;
  readonly launches: readonly {
    readonly launch: string;
    readonly server: string;
    readonly variables: readonly string[];
    readonly since: string;
    readonly wrapper: number;
    readonly pid?: number;
  }[];
}

interface Launched {
  readonly wrapper: ChildProcess;
  readonly ended: Promise<unknown>;
  readonly pids: readonly number[];
}

let home: Home;
let started: number[] = [];

beforeAll(async () => {
  home = await createHome({ kind: 'sealed' });
  await home.set('TOKEN', 'value');
  for (const script of [stubborn, gentle]) await home.approve(launchOf(script));
}, 60_000);
afterAll(async () => {
  await home.remove();
});
afterEach(() => {
  for (const pid of started.filter(lives)) process.kill(pid, 'SIGKILL');
  started = [];
});

/** A zombie does not. */
function lives(pid: number): boolean {
  try {
    return !/\) [ZX] /u.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

async function status(): Promise<Status> {
  const { stdout } = await home.mcp(['status', '--json']);
  return JSON.parse(stdout) as Status;
}

async function launch(script: string): Promise<Launched> {
  const wrapper = spawn(mcpCommand, ['exec', ...launchOf(script)], {
    env: home.env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  started.push(wrapper.pid ?? 0);
  wrapper.stdin.on('error', () => undefined);
  const ended = once(wrapper, 'exit');
  let text = '';
  for (;;) {
    const [chunk] = (await once(wrapper.stdout, 'data')) as [Buffer];
    text += chunk.toString();
    const line = /^pids (.*)\n/mu.exec(text)?.[1];
    if (line === undefined) continue;
    const pids = line.split(' ').map(Number);
    started.push(...pids);
    return { wrapper, ended, pids };
  }
}

const none = async (pids: readonly number[]): Promise<void> => {
  await expect.poll(() => pids.filter(lives), long).toEqual([]);
};
const nothingRuns = async (): Promise<void> => {
  await expect.poll(async () => (await status()).launches, long).toEqual([]);
};

async function exitLine(id: string): Promise<Record<string, unknown>> {
  const find = async (): Promise<Record<string, unknown> | undefined> =>
    (await auditLines(home)).find((line) => line['event'] === 'exit' && line['launch'] === id);
  await expect.poll(find, long).toBeDefined();
  return (await find()) ?? {};
}

/** As the kernel's out-of-memory killer does. */
async function killDaemon(): Promise<void> {
  const { pid } = await status();
  process.kill(pid, 'SIGKILL');
  await none([pid]);
}

describe.skipIf(lacks('linux', 'setsid'))('a launch', () => {
  test('is known while it runs, and its end is written down with the exit code', async () => {
    const { wrapper, ended, pids } = await launch(gentle);
    await expect.poll(async () => (await status()).launches[0]?.pid, long).toBe(pids[0]);
    const [running] = (await status()).launches;
    expect(running).toEqual({
      launch: expect.stringMatching(/^[0-9a-f]{16}$/u) as string,
      server: 'tree',
      variables: ['TOKEN'],
      since: expect.any(String) as string,
      client: 'mcp exec',
      parent: { pid: process.pid, name: expect.any(String) as string },
      wrapper: wrapper.pid,
      pid: pids[0],
    });
    expect((await home.mcp(['status'])).stdout).toMatch(/ \(\d+\) +tree +TOKEN/u);
    process.kill(pids[0] ?? 0, 'SIGKILL');
    expect(await ended).toEqual([137, null]);
    await nothingRuns();
    expect(await exitLine(running?.launch ?? '')).toMatchObject({
      outcome: 'allowed',
      exit: 137,
      server: 'tree',
      variables: ['TOKEN'],
      pid: wrapper.pid,
    });
    await none(pids);
  });

  test('B21: whose wrapper is killed is ended by the daemon, all of it', async () => {
    const { wrapper, pids } = await launch(stubborn);
    await expect.poll(async () => (await status()).launches[0]?.pid, long).toBe(pids[0]);
    const [running] = (await status()).launches;
    wrapper.kill('SIGKILL');
    await none(pids);
    await nothingRuns();
    const line = await exitLine(running?.launch ?? '');
    expect(line).toMatchObject({ outcome: 'failed' });
    expect(line).not.toHaveProperty('exit');
  });

  test('is found again by a daemon that was killed and started anew', async () => {
    const { wrapper, pids } = await launch(stubborn);
    await expect.poll(async () => (await status()).launches[0]?.pid, long).toBe(pids[0]);
    const before = (await status()).launches;
    await killDaemon();
    expect(await home.mcp(['daemon', 'start'])).toMatchObject({ code: 0 });
    expect((await status()).launches).toEqual(before);
    // One is ours; the other is the wrapper's.
    await expect.poll(async () => (await status()).connections, long).toBe(2);
    wrapper.kill('SIGKILL');
    await none(pids);
    await nothingRuns();
  });

  test('whose wrapper was killed while no daemon ran is ended by the next one', async () => {
    const { wrapper, pids, ended } = await launchUnlocked(stubborn);
    await expect.poll(async () => (await status()).launches[0]?.pid, long).toBe(pids[0]);
    await killDaemon();
    wrapper.kill('SIGKILL');
    await ended;
    expect(pids.filter(lives)).toEqual(pids);
    expect(await home.mcp(['daemon', 'start'])).toMatchObject({ code: 0 });
    await none(pids);
    await nothingRuns();
  });

  test(
    `${rounds} times, with somebody killed at a time of chance, leaves nothing`,
    async () => {
      await unlock();
      const { pid: daemon, connections } = await status();
      const descriptors = (): number => readdirSync(`/proc/${daemon}/fd`).length;
      const before = descriptors();
      const all: number[] = [];
      const one = async (): Promise<void> => {
        const { wrapper, ended, pids } = await launch(chance(10) === 0 ? stubborn : gentle);
        all.push(...pids);
        await new Promise((resolve) => {
          setTimeout(resolve, chance(50));
        });
        const ends = [
          () => wrapper.kill('SIGKILL'),
          () => wrapper.kill('SIGTERM'),
          () => wrapper.stdin?.end(),
          () => process.kill(pids[0] ?? 0, 'SIGKILL'),
        ];
        ends[chance(ends.length)]?.();
        await ended;
      };
      let left = rounds;
      const worker = async (): Promise<void> => {
        while ((left -= 1) >= 0) await one();
      };
      await Promise.all(Array.from({ length: atOnce }, worker));
      await none(all);
      await nothingRuns();
      await expect.poll(async () => (await status()).connections, long).toBe(connections);
      await expect.poll(descriptors, long).toBeLessThanOrEqual(before);
      expect(childrenOf(daemon)).toBe('');
      expect(zombies(all)).toEqual([]);
    },
    rounds * 2000,
  );
});

/** The daemon that was killed knew the passphrase; the new one has to be told. */
async function unlock(): Promise<void> {
  const { code, stderr } = await home.mcp(['unlock', '--fd', '3'], { fd3: `${home.passphrase}\n` });
  expect(stderr + String(code)).toMatch(/0$/u);
}

async function launchUnlocked(script: string): Promise<Launched> {
  await unlock();
  return launch(script);
}

function chance(below: number): number {
  return Math.floor(Math.random() * below);
}

function childrenOf(pid: number): string {
  return readFileSync(join('/proc', `${pid}`, 'task', `${pid}`, 'children'), 'latin1').trim();
}

/** Those that have ended and wait for their parent; what init has inherited is its own to collect. */
function zombies(pids: readonly number[]): number[] {
  return pids.filter((pid) => {
    try {
      return /\) Z (?!1 )/u.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
    } catch {
      return false;
    }
  });
}
