import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { auditLines, createHome, expectSuccess, type Home } from '../kit/home.ts';
import {
  gentle,
  killDaemon,
  launchOf,
  lives,
  startLaunch,
  statusOf,
  stubborn,
  unlock,
  type Client,
  type Launched,
} from '../kit/launches.ts';
import { lacks } from '../kit/needs.ts';

// Launches with the real daemon: who is known to run, and that nothing is left, whoever is killed.

const long = { timeout: 15_000 };

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

/** Known to the daemon, server and all. */
async function launch(script: string, client: Client = 'node'): Promise<Launched> {
  const launched = await startLaunch(home, script, client, started);
  const servers = async (): Promise<unknown> =>
    (await statusOf(home)).launches.map(({ pid }) => pid);
  await expect.poll(servers, long).toContain(launched.pids[0]);
  return launched;
}

const none = async (pids: readonly number[]): Promise<void> => {
  await expect.poll(() => pids.filter(lives), long).toEqual([]);
};
const nothingRuns = async (): Promise<void> => {
  await expect.poll(async () => (await statusOf(home)).launches, long).toEqual([]);
};

async function exitLine(id: string): Promise<Record<string, unknown>> {
  const find = async (): Promise<Record<string, unknown> | undefined> =>
    (await auditLines(home)).find((line) => line['event'] === 'exit' && line['launch'] === id);
  await expect.poll(find, long).toBeDefined();
  return (await find()) ?? {};
}

describe.skipIf(lacks('linux', 'setsid', 'python3'))('a launch', () => {
  test('is known while it runs, and its end is written down with the exit code', async () => {
    const before = Date.now();
    const { wrapper, ended, pids } = await launch(gentle);
    const [running] = (await statusOf(home)).launches;
    expect(running).toEqual({
      launch: expect.stringMatching(/^[0-9a-f]{16}$/u) as string,
      server: 'tree',
      variables: ['TOKEN'],
      since: expect.any(String) as string,
      client: 'mcp exec',
      parent: { pid: process.pid, name: expect.any(String) as string },
      wrapper,
      pid: pids[0],
    });
    const since = Date.parse(running?.since ?? '');
    expect(since).toBeGreaterThanOrEqual(before);
    expect(since).toBeLessThanOrEqual(Date.now());
    const { stdout } = expectSuccess(await home.mcp(['status']));
    expect(stdout).toMatch(new RegExp(`${pids[0]} .*\\(${process.pid}\\) +tree +TOKEN`, 'u'));
    process.kill(pids[0] ?? 0, 'SIGKILL');
    expect(await ended).toEqual([137, null]);
    await nothingRuns();
    expect(await exitLine(running?.launch ?? '')).toMatchObject({
      outcome: 'allowed',
      exit: 137,
      server: 'tree',
      variables: ['TOKEN'],
      pid: wrapper,
    });
    await none(pids);
  });

  test.each<[what: string, Client, end: (launched: Launched) => unknown]>([
    ['whose client closes a socket', 'node', ({ closeStdin }) => closeStdin()],
    ['whose client closes a pipe', 'pipe', ({ closeStdin }) => closeStdin()],
    ['whose client is killed (pipe)', 'pipe', ({ client }) => client.kill('SIGKILL')],
    ['whose client is killed (socket)', 'socket', ({ client }) => client.kill('SIGKILL')],
    ['whose wrapper is killed', 'node', ({ wrapper }) => process.kill(wrapper, 'SIGKILL')],
    [
      'whose client and wrapper are killed',
      'pipe',
      ({ client, wrapper }) => [client.kill('SIGKILL'), process.kill(wrapper, 'SIGKILL')],
    ],
    ['that is told to end', 'node', ({ wrapper }) => process.kill(wrapper, 'SIGTERM')],
    ['whose server is killed', 'socket', ({ pids }) => process.kill(pids[0] ?? 0, 'SIGKILL')],
  ])('%s leaves nothing, whatever its server heeds', async (_what, kind, end) => {
    for (const script of [gentle, stubborn]) {
      const launched = await launch(script, kind);
      expect(launched.pids.filter(lives)).toEqual(launched.pids);
      end(launched);
      await none([...launched.pids, launched.wrapper]);
      await nothingRuns();
    }
  });

  test('B21: whose wrapper is killed is ended, and written down as one that failed', async () => {
    const { wrapper, pids } = await launch(gentle);
    const [running] = (await statusOf(home)).launches;
    process.kill(wrapper, 'SIGKILL');
    await none(pids);
    const line = await exitLine(running?.launch ?? '');
    expect(line).toMatchObject({ outcome: 'failed' });
    expect(line).not.toHaveProperty('exit');
  });

  test('is found again by a daemon that was killed and started anew', async () => {
    const { wrapper, pids } = await launch(stubborn);
    const before = (await statusOf(home)).launches;
    await killDaemon(home);
    expect(await home.mcp(['daemon', 'start'])).toMatchObject({ code: 0 });
    expect((await statusOf(home)).launches).toEqual(before);
    // One is ours; the other is the wrapper's.
    await expect.poll(async () => (await statusOf(home)).connections, long).toBe(2);
    process.kill(wrapper, 'SIGKILL');
    await none(pids);
    await nothingRuns();
  });

  test('that ends while no daemon runs is not known to the next one', async () => {
    await unlock(home);
    const { closeStdin, pids, ended } = await launch(gentle);
    await killDaemon(home);
    closeStdin();
    await ended;
    await none(pids);
    expect(await home.mcp(['daemon', 'start'])).toMatchObject({ code: 0 });
    await nothingRuns();
  });

  test('whose wrapper was killed while no daemon ran is ended by the next one', async () => {
    await unlock(home);
    const { wrapper, pids, ended } = await launch(stubborn);
    await killDaemon(home);
    process.kill(wrapper, 'SIGKILL');
    await ended;
    expect(pids.filter(lives)).toEqual(pids);
    expect(await home.mcp(['daemon', 'start'])).toMatchObject({ code: 0 });
    await none(pids);
    await nothingRuns();
  });
});
