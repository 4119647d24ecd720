import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startFakeDaemon, type FakeDaemon } from '../../../../test/fixtures/fake-daemon.ts';
import { lacks, needs } from '../../../../test/kit/needs.ts';
import { run, type Ended } from '../../../../test/kit/run.ts';

// What a program can see of how it was started, with us and without.

const main = fileURLToPath(new URL('../main.ts', import.meta.url));
const node = process.execPath;

let home: string;
let daemon: FakeDaemon;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'mcp-transparency-'));
  daemon = await startFakeDaemon({ home, values: { '$<T>': 'v' } });
});
afterAll(async () => {
  await daemon.stop();
  rmSync(home, { recursive: true });
});

/** What the command says when a shell starts it, and when we do. */
async function both(
  [name, ...args]: readonly [string, ...string[]],
  more: Readonly<Record<string, string>> = {},
): Promise<{ readonly without: Ended; readonly withUs: Ended }> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: home, MCP_HOME: home, ...more };
  const typed = ['-c', 'exec "$@"', 'sh', name, ...args];
  const launch = ['--conditions=dev', '--disable-sigusr1', main, 'exec', '--', name, ...args];
  return {
    without: await run('/bin/sh', typed, { env: { ...env, T: 'v' } }),
    withUs: await run(node, launch, { env: { ...env, T: '$<T>' } }),
  };
}

async function expectTheSame(
  command: readonly [string, ...string[]],
  env?: Readonly<Record<string, string>>,
): Promise<string> {
  const { without, withUs } = await both(command, env);
  expect(without).toMatchObject({ code: 0, stderr: '' });
  expect(withUs).toEqual(without);
  return withUs.stdout;
}

describe.skipIf(lacks('linux'))('a program that runs through its descriptor', () => {
  const ownNames = `
    const { readFileSync, readlinkSync } = require('node:fs');
    const { argv, argv0, execPath } = process;
    const cmdline = readFileSync('/proc/self/cmdline', 'utf8').split('\\0');
    console.log(JSON.stringify([argv, argv0, execPath, cmdline, readlinkSync('/proc/self/exe')]));
  `;

  test('Node has the names and paths that it has elsewhere, found by name, path or link', async () => {
    const script = join(home, 'names.cjs');
    writeFileSync(script, ownNames);
    const link = join(home, 'another-name');
    symlinkSync(node, link);
    for (const name of ['node', node, link, '../../..'.concat(node)]) {
      const stdout = await expectTheSame([name, script, 'a', ''], { PATH: dirname(node) });
      expect(JSON.parse(stdout)).toContainEqual([name, script, 'a', '', '']);
    }
  });

  test('starts programs of its own by its own path', async () => {
    const script = `process.stdout.write(require('node:child_process')
      .execFileSync(process.execPath, ['-p', 'process.execPath'], {encoding: 'utf8'}))`;
    expect(await expectTheSame(['node', '-e', script])).toMatch(/node\n$/u);
  });

  needs('python3')('Python knows its virtual environment', async () => {
    const folder = join(home, 'venv');
    execFileSync('python3', ['-m', 'venv', '--without-pip', folder]);
    const print = 'import sys; print(sys.prefix, sys.executable, sys.argv, sys.orig_argv)';
    const python = join(folder, 'bin', 'python3');
    for (const [name, path] of [
      [python, process.env['PATH'] ?? ''],
      ['python3', `${join(folder, 'bin')}:/usr/bin:/bin`],
    ] as const) {
      const stdout = await expectTheSame([name, '-c', print], { PATH: path });
      expect(stdout).toMatch(`${folder} ${python} `);
    }
  });

  needs('busybox')('busybox is the applet that it was called as', async () => {
    const found = execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim();
    const applet = join(home, 'basename');
    symlinkSync(found, applet);
    expect(await expectTheSame([applet, '/a/b'])).toBe('b\n');
    expect(await expectTheSame(['busybox', 'basename', '/a/b'])).toBe('b\n');
  });

  test('has no descriptor that it would not have', async () => {
    const list =
      'for fd in /proc/$$/fd/*; do readlink "$fd" >/dev/null && echo "${fd##*/}"; done; true';
    const stdout = await expectTheSame(['/bin/sh', '-c', list]);
    expect(stdout.split('\n')).toEqual(expect.arrayContaining(['0', '1', '2']));
  });

  test('has the very streams that we were given', async () => {
    const print =
      'console.log([0, 1, 2].map((fd) => fs.readlinkSync(`/proc/self/fd/${fd}`)).join())';
    const streams = [0, 1, 2].map((fd) => readlinkSync(`/proc/self/fd/${fd}`));
    const launch = ['--conditions=dev', main, 'exec', '--', node, '-e', print];
    const env = { PATH: '/bin', HOME: home, MCP_HOME: home, T: '$<T>' };
    const child = spawn(node, launch, { env, stdio: [0, 'pipe', 2] });
    let stdout = '';
    child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    await once(child, 'close');
    expect(stdout.trim().split(',')).toEqual([streams[0], expect.any(String), streams[2]]);
  });

  test('ends our stdout when it closes its own, and runs on', async () => {
    const script = 'echo last; exec >&-; read line; exit 7';
    const launch = ['--conditions=dev', main, 'exec', '--', '/bin/sh', '-c', script];
    const env = { PATH: '/bin', HOME: home, MCP_HOME: home, T: '$<T>' };
    const child = spawn(node, launch, { env, stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = once(child, 'exit');
    const stdout: Buffer[] = [];
    for await (const chunk of child.stdout) stdout.push(chunk as Buffer);
    expect(Buffer.concat(stdout).toString()).toBe('last\n');
    expect(child.exitCode).toBeNull();
    child.stdin.write('go on\n');
    expect(await ended).toEqual([7, null]);
  });

  test('has the number of its descriptor in /proc/PID/comm, and nowhere else', async () => {
    const { withUs, without } = await both(['/bin/cat', '/proc/self/comm', '/proc/self/cmdline']);
    expect(without.stdout).toMatch(/^cat\n/u);
    expect(withUs.stdout).toMatch(/^\d+\n/u);
    expect(withUs.stdout.replace(/^\d+/u, 'cat')).toBe(without.stdout);
  });
});
