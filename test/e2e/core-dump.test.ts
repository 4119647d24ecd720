import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHome, expectSuccess, mcpCommand, type Home } from '../kit/home.ts';
import { lacks } from '../kit/needs.ts';
import { run, type Ended, type RunOptions } from '../kit/run.ts';

// What the kernel lets a user without capabilities do to a daemon of its own, and to another program.

const user = ['--reuid=65534', '--regid=65534', '--clear-groups', '--no-new-privs'];
let home: Home;
const started: ChildProcess[] = [];

const as = (command: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> =>
  run('setpriv', [...user, command, ...args], { env: home.env, cwd: home.folder, ...options });

/** In its own folder, where it may write, and with leave to leave a core file there. */
function start(...command: readonly string[]): ChildProcess {
  const line = ['sh', '-c', 'ulimit -c unlimited; exec "$@"', 'sh', ...command];
  const child = spawn('setpriv', [...user, ...line], {
    env: home.env,
    cwd: home.folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  return child;
}

async function startDaemon(): Promise<ChildProcess> {
  const main = join(mcpCommand, '../../node_modules/@mcp-broker/daemon/dist/main.js');
  const flags = ['--disable-sigusr1', realpathSync(main), '--home', home.broker];
  const daemon = start(home.node, ...flags);
  let log = '';
  daemon.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()));
  await expect.poll(() => log, { timeout: 10_000 }).toContain('listening on');
  return daemon;
}

/** Sent as the user; gives what lies in the folder then that was not there before. */
async function leaves(child: ChildProcess, signal: string): Promise<string[]> {
  const before = readdirSync(home.folder);
  const ended = once(child, 'close');
  expectSuccess(await as('kill', [`-${signal}`, String(child.pid)]));
  const [, name] = (await ended) as [unknown, string];
  expect(name).toBe(`SIG${signal}`);
  return readdirSync(home.folder).filter((each) => !before.includes(each));
}

const unreadable = [
  ['a debugger', 'gdb', (pid: number) => ['-batch', '-p', `${pid}`, '-ex', 'info registers']],
  ['its environment', 'cat', (pid: number) => [`/proc/${pid}/environ`]],
  ['its memory', 'dd', (pid: number) => [`if=/proc/${pid}/mem`, 'bs=1', 'count=1']],
  ['its descriptors', 'ls', (pid: number) => [`/proc/${pid}/fd/`]],
  ['the places of its memory', 'cat', (pid: number) => [`/proc/${pid}/maps`]],
] as const;

describe.skipIf(lacks('linux', 'root', 'setpriv', 'gdb'))('A13: to its own user', () => {
  beforeAll(async () => {
    home = await createHome({ kind: 'empty', owner: 65_534 });
    const fd3 = `${home.passphrase}\n`;
    expectSuccess(await as(mcpCommand, ['init', '--yes', '--fd', '3'], { fd3 }));
    expectSuccess(await as(mcpCommand, ['daemon', 'stop']));
  }, 60_000);
  afterAll(() => {
    for (const child of started) child.kill('SIGKILL');
    rmSync(home.folder, { recursive: true, force: true });
  });

  test.each(unreadable)('the daemon does not show %s', async (_what, command, args) => {
    const daemon = await startDaemon();
    const ended = await as(command, args(daemon.pid ?? 0));
    daemon.kill();
    await once(daemon, 'close');
    expect(ended.stderr + ended.stdout).toMatch(/not permitted|denied|could not attach/iu);
  });

  test('another program of the same user shows its environment: it is the daemon that is closed', async () => {
    const sleep = start('sleep', '60');
    const name = (): string => readFileSync(`/proc/${sleep.pid ?? 0}/comm`, 'utf8').trim();
    await expect.poll(name, { timeout: 10_000 }).toBe('sleep');
    const ended = await as('cat', [`/proc/${sleep.pid ?? 0}/environ`]);
    sleep.kill();
    await once(sleep, 'close');
    expect(ended.stdout).toContain(`HOME=${home.folder}`);
  });

  test.each(['ABRT', 'SEGV', 'QUIT'])('the daemon leaves no core file at SIG%s', async (signal) => {
    expect(await leaves(await startDaemon(), signal)).toEqual([]);
  });

  // A pattern with a path or a program puts core files elsewhere.
  test.skipIf(/^[|/]/u.test(readFileSync('/proc/sys/kernel/core_pattern', 'utf8')))(
    'another program does leave one there',
    async () => {
      const sleep = start('sleep', '60');
      const name = (): string => readFileSync(`/proc/${sleep.pid ?? 0}/comm`, 'utf8').trim();
      await expect.poll(name, { timeout: 10_000 }).toBe('sleep');
      const left = await leaves(sleep, 'ABRT');
      expect(left).toHaveLength(1);
      rmSync(join(home.folder, left[0] ?? ''));
    },
  );
});
