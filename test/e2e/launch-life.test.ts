import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { auditLines, createHome, expectSuccess, mcpCommand, type Home } from '../kit/home.ts';
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
import { trackProcesses } from '../kit/started.ts';

// Launches with the real daemon: who is known to run, and that nothing is left, whoever is killed.

const long = { timeout: 15_000 };

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

/** Known to the daemon, server and all. */
async function launch(script: string, client: Client = 'node'): Promise<Launched> {
  const launched = await startLaunch(home, script, client, started);
  const servers = async (): Promise<unknown> =>
    (await statusOf(home)).launches.map(({ pid }) => pid);
  await expect.poll(servers, long).toContain(launched.pids[0]);
  return launched;
}

const none = async ({ living }: Launched): Promise<void> => {
  await expect.poll(living, long).toEqual([]);
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
    const launched = await launch(gentle);
    const { wrapper, ended, pids } = launched;
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
    await none(launched);
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
      expect(launched.living()).toEqual([...launched.pids, launched.wrapper]);
      end(launched);
      await none(launched);
      await nothingRuns();
    }
  });

  test('B21: whose wrapper is killed is ended, and written down as one that failed', async () => {
    const launched = await launch(gentle);
    const [running] = (await statusOf(home)).launches;
    process.kill(launched.wrapper, 'SIGKILL');
    await none(launched);
    const line = await exitLine(running?.launch ?? '');
    expect(line).toMatchObject({ outcome: 'failed' });
    expect(line).not.toHaveProperty('exit');
  });

  test('is found again by a daemon that was killed and started anew', async () => {
    const launched = await launch(stubborn);
    const before = (await statusOf(home)).launches;
    await killDaemon(home);
    expect(await home.mcp(['daemon', 'start'])).toMatchObject({ code: 0 });
    expect((await statusOf(home)).launches).toEqual(before);
    // One is ours; the other is the wrapper's.
    await expect.poll(async () => (await statusOf(home)).connections, long).toBe(2);
    process.kill(launched.wrapper, 'SIGKILL');
    await none(launched);
    await nothingRuns();
  });

  test('of which something hides is gone, and that is not: SECURITY.md says so', async () => {
    const hiding = `env -i setsid sh -c 'sleep 300 >/dev/null & echo $!' > "$HOME/hidden"
      read hidden < "$HOME/hidden"; echo pids $$ $hidden; exec cat`;
    await unlock(home);
    await home.approve(launchOf(hiding));
    const launched = await launch(hiding);
    launched.closeStdin();
    await launched.ended;
    expect(launched.living()).toEqual(launched.pids.slice(1));
  });

  test('that hides its mark still changes nothing, under the daemon that comes after as well', async () => {
    const set = `echo value | ${mcpCommand} secret set OTHER --stdin >&2; echo "set $?"`;
    const hiding = `exec env -u MCP_LAUNCH sh -c 'echo pids $$; while read line; do ${set}; done'`;
    await unlock(home);
    await home.approve(launchOf(hiding));
    const { client, ended, closeStdin } = await launch(hiding);
    const tries = async (): Promise<string> => {
      client.stdin?.write('try\n');
      return String(((await once(client.stdout ?? client, 'data')) as [Buffer])[0]);
    };
    expect(await tries()).toBe('set 77\n');
    await killDaemon(home);
    expect(await home.mcp(['daemon', 'start'])).toMatchObject({ code: 0 });
    await unlock(home);
    expect(await tries()).toBe('set 77\n');
    closeStdin();
    await ended;
  });

  test('whose server has started the daemon, by a launch of its own, does not take it along', async () => {
    const empty = await createHome({ kind: 'identity' });
    const inner = `${mcpCommand} exec --wait-approval 1m --env 'B=$<B>' -- cat`;
    await writeFile(join(empty.folder, 'inner'), inner);
    await empty.set('B', 'value');
    expectSuccess(await empty.mcp(['daemon', 'stop']));
    const outer = spawn(mcpCommand, ['exec', '--', 'sh', '-c', 'sh inner & exec cat'], {
      cwd: empty.folder,
      env: empty.env,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    try {
      started.add(outer.pid ?? 0);
      const waits = async (): Promise<unknown> => (await statusOf(empty)).pending;
      await expect.poll(waits, long).toBe(1);
      const { pid } = await statusOf(empty);
      outer.stdin.end();
      await once(outer, 'exit');
      await expect.poll(waits, long).toBe(1);
      expect((await statusOf(empty)).pid).toBe(pid);
    } finally {
      await empty.remove();
    }
  });

  test('that ends while no daemon runs is not known to the next one', async () => {
    await unlock(home);
    const launched = await launch(gentle);
    await killDaemon(home);
    launched.closeStdin();
    await launched.ended;
    await none(launched);
    expect(await home.mcp(['daemon', 'start'])).toMatchObject({ code: 0 });
    await nothingRuns();
  });

  test('whose wrapper was killed while no daemon ran is ended by the next one', async () => {
    await unlock(home);
    const launched = await launch(stubborn);
    await killDaemon(home);
    process.kill(launched.wrapper, 'SIGKILL');
    await launched.ended;
    expect(launched.living()).toEqual(launched.pids);
    expect(await home.mcp(['daemon', 'start'])).toMatchObject({ code: 0 });
    await none(launched);
    await nothingRuns();
  });
});
