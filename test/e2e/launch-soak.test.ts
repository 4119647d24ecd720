import { readdirSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createHome, expectSuccess, type Home } from '../kit/home.ts';
import {
  gentle,
  killDaemon,
  launchOf,
  startLaunch,
  statusOf,
  stubborn,
  unlock,
  type Client,
  type Launched,
} from '../kit/launches.ts';
import { lacks } from '../kit/needs.ts';
import { processesWith } from '../kit/processes.ts';
import { trackProcesses } from '../kit/started.ts';

// Many launches, each of which somebody kills at a time of chance: its wrapper, its client, its server, or
// the daemon of them all. `pnpm test:soak` runs a thousand.

const rounds = process.env['MCP_TEST_SOAK'] === undefined ? 100 : 1000;
const daemonKills = 5;
const atOnce = 10;
const long = { timeout: 30_000 };
const mebibyte = 1024 * 1024;

let home: Home;
const started = trackProcesses();

beforeAll(async () => {
  home = await createHome({ kind: 'sealed' });
  await home.set('TOKEN', 'value');
  for (const script of [stubborn, gentle]) await home.approve(launchOf(script));
}, 60_000);
afterAll(async () => {
  await home.remove();
});
afterEach(() => {
  started.kill();
});

const kinds: readonly Client[] = ['node', 'node', 'pipe', 'socket', 'bun'];
const ends: readonly ((launched: Launched) => unknown)[] = [
  (launched) => strike(launched, launched.wrapper, 'SIGKILL'),
  (launched) => strike(launched, launched.wrapper, 'SIGTERM'),
  ({ client }) => client.kill('SIGKILL'),
  (launched) => strike(launched, launched.pids[0] ?? 0, 'SIGKILL'),
  ({ closeStdin }) => closeStdin(),
];

async function one(): Promise<void> {
  const script = chance(10) === 0 ? stubborn : gentle;
  const launched = await startLaunch(home, script, pick(kinds), started);
  await after(chance(50));
  pick(ends)(launched);
  await launched.ended;
}

/** Nobody else, should it have ended by itself. */
function strike({ living }: Launched, pid: number, signal: NodeJS.Signals): void {
  if (living().includes(pid)) process.kill(pid, signal);
}

/** Ten at a time. */
async function many(count: number): Promise<void> {
  let left = count;
  const worker = async (): Promise<void> => {
    while ((left -= 1) >= 0) await one();
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** Some run on while the daemon is away: their wrappers find the next one, or are gone by then. */
async function withDaemonKilled(): Promise<void> {
  const running = await Promise.all(
    Array.from({ length: atOnce }, () => startLaunch(home, gentle, pick(kinds), started)),
  );
  const [kept, killed] = [running.slice(0, atOnce / 2), running.slice(atOnce / 2)];
  await killDaemon(home);
  for (const launched of killed) strike(launched, launched.wrapper, 'SIGKILL');
  expectSuccess(await home.mcp(['daemon', 'start']));
  for (const { living } of killed) await gone(living);
  const servers = kept.map(({ pids: [server] }) => server);
  const known = async (): Promise<unknown> =>
    (await statusOf(home)).launches.map(({ pid }) => String(pid)).sort();
  await expect.poll(known, long).toEqual(servers.map(String).sort());
  await unlock(home);
  for (const launched of kept) pick(ends)(launched);
  for (const { living } of kept) await gone(living);
}

test.skipIf(lacks('linux', 'setsid', 'python3'))(
  `${rounds} launches with somebody killed at a time of chance leave nothing`,
  async () => {
    for (let kill = 0; kill < daemonKills; kill += 1) {
      await many(rounds / 2 / daemonKills);
      await withDaemonKilled();
    }
    // The last daemon as it is once it has done some work.
    await many(rounds / 5);
    await settled();
    const { pid: daemon, connections, memory } = await statusOf(home);
    const descriptors = descriptorsOf(daemon);
    await many((3 * rounds) / 10);
    await settled();

    const now = await statusOf(home);
    expect(now.connections).toBe(connections);
    await expect.poll(() => descriptorsOf(daemon), long).toBeLessThanOrEqual(descriptors);
    expect(now.memory.resident - memory.resident).toBeLessThan(16 * mebibyte);
    expect(now.memory.reserved).toBe(memory.reserved);
    expect(started.zombies()).toEqual([]);
    expect(processesWith('HOME', home.folder).map(({ pid }) => pid)).toEqual([daemon]);
    process.stdout.write(
      `${rounds} launches, ${daemonKills} ends of the daemon: ${started.size} processes gone; the last daemon before and ` +
        `after ${(3 * rounds) / 10} of them: ${descriptors} and ${descriptorsOf(daemon)} descriptors, ` +
        `${size(memory.resident)} and ${size(now.memory.resident)}\n`,
    );
  },
  60_000 + rounds * 2000,
);

async function settled(): Promise<void> {
  await gone(started.living);
  await expect.poll(async () => (await statusOf(home)).launches, long).toEqual([]);
}

async function gone(living: () => number[]): Promise<void> {
  await expect.poll(living, long).toEqual([]);
}

function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

function pick<T>(list: readonly T[]): T {
  return list[chance(list.length)] as T;
}

function chance(below: number): number {
  return Math.floor(Math.random() * below);
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

function size(bytes: number): string {
  return `${(bytes / mebibyte).toFixed(1)} MiB`;
}
