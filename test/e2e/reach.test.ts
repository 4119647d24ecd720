import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHome, expectSuccess, mcpCommand, type Home } from '../kit/home.ts';
import { lacks } from '../kit/needs.ts';
import type { Ended, RunOptions } from '../kit/run.ts';

// What a server reaches in other processes of its user, and what stays of one whose wrapper is killed.

const reach = fileURLToPath(new URL('../fixtures/reach.py', import.meta.url));
const python = '/usr/bin/python3';
const nobody = 65_534;
const values = { TOKEN: 'own-3f9c1e77a2', OTHER: 'other-8b20d4c6e1' };

describe.skipIf(lacks('linux', 'root', 'python3'))('a server', () => {
  let home: Home;
  const mcp = (args: readonly string[], options: RunOptions = {}): Promise<Ended> =>
    home.mcp(args, { uid: nobody, cwd: '/', ...options });
  const launchOf = (name: string, ...words: string[]): string[] => [
    'exec',
    '--env',
    `${name}=$<${name}>`,
    '--',
    ...words,
  ];
  const approve = async (launch: string[]): Promise<void> => {
    const id = /approve (\w{4})$/mu.exec((await mcp(launch)).stderr)?.[1] ?? '';
    expectSuccess(await mcp(['approve', id, '--fd', '3'], { fd3: home.passphrase }));
  };
  const otherLaunch = launchOf('OTHER', '/bin/sh', '-c', 'echo $$; exec sleep 600');
  /** A server that reads nothing and runs until it is killed. */
  const startOther = async (): Promise<ChildProcess & { server: number }> => {
    const child = spawn(mcpCommand, otherLaunch, {
      env: home.env,
      cwd: '/',
      uid: nobody,
      gid: nobody,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    return Object.assign(child, { server: Number(String(said)) });
  };

  beforeAll(async () => {
    home = await createHome({ kind: 'empty', owner: nobody });
    expectSuccess(await mcp(['init', '--yes', '--fd', '3'], { fd3: home.passphrase }));
    for (const [name, input] of Object.entries(values)) {
      expectSuccess(await mcp(['secret', 'set', name, '--stdin'], { input }));
    }
    await approve(otherLaunch);
  }, 60_000);
  afterAll(async () => {
    await mcp(['daemon', 'stop']);
    await home.remove();
  });

  test('B25: reads nothing of the daemon; of a wrapper, its own or another’s, what SECURITY.md says', async () => {
    const other = await startOther();
    try {
      const { pid } = JSON.parse((await mcp(['status', '--json'])).stdout) as { pid: number };
      const backwards = values.OTHER.split('').toReversed().join('');
      const words = [python, reach, String(pid), String(other.pid), backwards];
      const launch = launchOf('TOKEN', ...words);
      await approve(launch);
      const ended = expectSuccess(await mcp(launch));
      const wrapper = isGuarded()
        ? { environ: 'has it not', memory: 'refused', trace: 'refused' }
        : { environ: 'has it not', memory: 'has it', trace: 'has it not' };
      expect(JSON.parse(ended.stdout)).toEqual({
        daemon: { environ: 'refused', memory: 'refused', trace: 'refused' },
        wrapper,
        'other wrapper': wrapper,
      });
    } finally {
      process.kill(other.server);
      await once(other, 'close');
    }
  });

  test('B21: is ended when its wrapper is killed', async () => {
    const other = await startOther();
    const gone = once(other, 'exit');
    try {
      other.kill('SIGKILL');
      await gone;
      await expect.poll(() => existsSync(`/proc/${other.server}`), { timeout: 10_000 }).toBe(false);
    } finally {
      if (existsSync(`/proc/${other.server}`)) process.kill(other.server, 'SIGKILL');
    }
  });
});

/** The kernel lets a process look into none but its own children (Yama, as on Ubuntu and Debian). */
function isGuarded(): boolean {
  try {
    return Number(readFileSync('/proc/sys/kernel/yama/ptrace_scope', 'utf8')) > 0;
  } catch {
    return false;
  }
}
