import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findIn } from '../kit/canary.ts';
import { createHome, mcpCommand, type Home } from '../kit/home.ts';
import { lacks } from '../kit/needs.ts';

// What other programs see of a launch (/proc), and what a server sees of us.

const canary = `canary-${randomBytes(18).toString('base64url')}`;
let home: Home;
beforeAll(async () => {
  home = await createHome({ kind: 'sealed' });
  await home.set('TOKEN', canary);
  await home.set('OTHER', 'value of another');
}, 60_000);
afterAll(async () => {
  await home.remove();
});

/** The pids of all processes that have a value in this file of theirs. */
function holders(file: 'cmdline' | 'environ' | 'comm'): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/u.test(name))
    .filter((pid) => {
      try {
        return findIn(readFileSync(`/proc/${pid}/${file}`), canary).length > 0;
      } catch {
        return false;
      }
    })
    .map(Number);
}

describe.skipIf(lacks('linux'))('while servers start, run and end', () => {
  const command = ['/bin/sh', '-c', 'echo $$; read -r end'];
  const args = ['exec', '--env', 'TOKEN=Bearer $<TOKEN>', '--', ...command];

  test('A8: a value is in no argument of any process, and in no environment but the servers’', async () => {
    await home.approve(args.slice(1));
    const running: ChildProcess[] = [];
    const servers: number[] = [];
    const inArguments: number[] = [];
    let looks = 0;
    try {
      for (let round = 0; round < 10; round += 1) {
        const started = Array.from({ length: 6 }, () =>
          spawn(mcpCommand, args, { env: { ...home.env }, stdio: ['pipe', 'pipe', 'inherit'] }),
        );
        running.push(...started);
        const pids = started.map(async ({ stdout }) => {
          const [line] = (await once(createInterface(stdout), 'line')) as [string];
          return Number(line);
        });
        const state = { done: false };
        const all = Promise.all(pids).then((found) => {
          state.done = true;
          return found;
        });
        while (!state.done) {
          inArguments.push(...holders('cmdline'), ...holders('comm'));
          looks += 1;
          await new Promise(setImmediate);
        }
        servers.push(...(await all));
        expect(new Set(holders('environ'))).toEqual(new Set(servers));
        // Half of them end, so that others start while some end.
        for (const child of started.splice(0, 3)) {
          servers.splice(servers.indexOf(pidOf(child)), 1);
          const ended = once(child, 'close');
          child.stdin.end('\n');
          await ended;
        }
      }
    } finally {
      const ended = running.map(async (child) => child.exitCode ?? once(child, 'close'));
      for (const child of running) child.stdin?.end('\n');
      await Promise.all(ended);
    }
    expect(looks).toBeGreaterThan(10);
    expect(inArguments).toEqual([]);
    expect(holders('environ')).toEqual([]);
  }, 60_000);

  /** The server of a wrapper, which is its one child. */
  function pidOf(wrapper: ChildProcess): number {
    const pid = wrapper.pid ?? 0;
    return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim());
  }
});

describe('A9: a server', () => {
  const inherited = { GIVEN: 'by the client', NODE_OPTIONS: '--no-warnings' };
  const print = 'process.stdout.write(JSON.stringify(process.env))';
  const args = ['--env', 'TOKEN=$<TOKEN>', '--env', 'MODE=literal', '--', process.execPath];

  test('has what its client gave, what was approved for it, and one name of ours', async () => {
    await home.approve([...args, '-e', print], { env: inherited });
    const { stdout } = await home.mcp(['exec', ...args, '-e', print], { env: inherited });
    const { MCP_LAUNCH, ...seen } = JSON.parse(stdout) as Record<string, string>;
    // A shell says where it stands.
    delete seen['PWD'];
    expect(seen).toEqual({ ...home.env, ...inherited, TOKEN: canary, MODE: 'literal' });
    expect(MCP_LAUNCH).toMatch(/^[\da-f]{16}$/u);
  });

  test('hands its variables on to what it starts, which nothing here can stop', async () => {
    const parent = `require('node:child_process').spawnSync(process.execPath, ['-e', ${JSON.stringify(print)}], { stdio: 'inherit' })`;
    await home.approve([...args, '-e', parent]);
    const { stdout } = await home.mcp(['exec', ...args, '-e', parent]);
    expect(JSON.parse(stdout)).toMatchObject({ TOKEN: canary });
    expect(stdout).not.toContain('value of another');
  });
});
