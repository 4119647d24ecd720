import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { lacks } from '../../../../test/kit/needs.ts';
import { deadline, execFixture, node, printSelf, type Ended } from './fixture.ts';

// `mcp exec --replace`: the same as without, as far as a client and a server can tell, but for the wrapper.

const fixture = execFixture();
const { mcp, startDaemon } = fixture;
const main = fileURLToPath(new URL('../main.ts', import.meta.url));

/** A program of the test's home. */
function program(text: string | Uint8Array, mode = 0o755): string {
  const file = join(fixture.home, 'program');
  rmSync(file, { force: true });
  writeFileSync(file, text, { mode });
  return file;
}

/** Says that it is ELF, and of which machine nobody knows. */
function otherMachine(): string {
  const file = program('');
  copyFileSync('/bin/true', file);
  const fd = openSync(file, 'r+');
  writeSync(fd, Buffer.from([0xff, 0xfe]), 0, 2, 18);
  return file;
}

const both = async (args: readonly string[], env = {}): Promise<readonly [Ended, Ended]> => [
  await mcp(['exec', ...args], env),
  await mcp(['exec', '--replace', ...args], env),
];

describe('a server that mcp exec becomes', deadline, () => {
  test('is started as it is without --replace: the same arguments and environment', async () => {
    const { launch } = await startDaemon({ values: { '$<T>': 'välue\n"' } });
    const env = {
      T: 'a $<T>',
      NODE_ENV: 'x',
      MCP_ASIDE_NODE_PATH: '/a',
      MCP_ASIDE_START: '1024 0',
    };
    for (const args of [
      ['--', node, printSelf, '', 'a b', 'ü', '$$<X>'],
      ['--env', 'EMPTY=', '--env', 'U=${T}', '--', 'node', printSelf, '--', '-x'],
      ['--allow-args', '--', node, printSelf, '$<T>'],
    ]) {
      const [without, replaced] = await both(args, env);
      expect(without).toMatchObject({ code: 0, stderr: '' });
      expect(replaced).toEqual(without);
      const { env: seen } = JSON.parse(replaced.stdout) as { env: Record<string, string> };
      expect(seen).toMatchObject({ T: 'a välue\n"', MCP_LAUNCH: launch, NODE_PATH: '/a' });
      expect(Object.keys(seen).filter((name) => name.startsWith('MCP_'))).toEqual(['MCP_LAUNCH']);
    }
  });

  test('needs no daemon where no reference is', async () => {
    const ended = await mcp(['exec', '--replace', '--', 'echo', 'plain']);
    expect(ended).toEqual({ code: 0, signal: null, stdout: 'plain\n', stderr: '' });
  });

  test('was announced before it started', async () => {
    const { told } = await startDaemon({ values: { '$<T>': 'v' } });
    await mcp(['exec', '--replace', '--', 'true'], { T: '$<T>' });
    expect(told).toEqual([
      { method: 'launch.take', params: { ticket: 'fake-ticket', replace: true } },
    ]);
  });

  test('ends as it ends, by a signal too', async () => {
    expect(await mcp(['exec', '--replace', '--', 'sh', '-c', 'exit 7'])).toMatchObject({ code: 7 });
    expect(await mcp(['exec', '--replace', '--', 'sh', '-c', 'kill -TERM $$'])).toMatchObject({
      code: null,
      signal: 'SIGTERM',
    });
  });

  test('is run by a shell where it is a text without a first line that says by what', async () => {
    const ended = await mcp(['exec', '--replace', '--', program('echo "$0 $1"'), 'x']);
    expect(ended).toMatchObject({ code: 0, stdout: `${fixture.home}/program x\n` });
    expect(await mcp(['exec', '--replace', '--', program('')])).toMatchObject({ code: 0 });
  });
});

describe('what cannot be started', deadline, () => {
  test.each<[title: string, code: number, message: string, command: () => readonly string[]]>([
    ['no such command', 127, 'command not found', () => ['nosuch-command']],
    ['no such file', 127, 'command not found', () => ['/nonexistent/x']],
    ['a folder', 126, 'not executable', () => ['/']],
    ['a file that is not to be executed', 126, 'not executable', () => [program('', 0o644)]],
    [
      'a missing interpreter',
      127,
      'interpreter of \\S+ not found',
      () => [program('#!/nonexistent/x\n')],
    ],
    ['an interpreter that is a folder', 126, 'not executable', () => [program('#!/\n')]],
    ['a program of another machine', 126, 'not executable', () => [otherMachine()]],
    ['a broken ELF file', 126, 'not executable', () => [program('\x7fELF\0')]],
  ])('%s ends with %i, and the daemon is told', async (_title, code, message, command) => {
    const { told, launch } = await startDaemon({ values: { '$<T>': 'v' } });
    const [file = '', ...args] = command();
    const plain = await mcp(['exec', '--replace', '--', file, ...args]);
    expect(plain).toMatchObject({ code, signal: null, stdout: '' });
    expect(plain.stderr).toMatch(new RegExp(`^mcp: error: ${message}.*\nmcp: hint: .+\n$`, 'u'));
    // A daemon gives no ticket for what is not there.
    if (!file.includes('program')) return;
    const valued = await mcp(['exec', '--replace', '--', file, ...args], { T: '$<T>' });
    expect(valued).toEqual(plain);
    expect(told.at(-1)).toEqual({
      method: 'launch.ended',
      params: { launch, exit: code },
    });
  });

  test('what has changed since it was looked at ends with 77, and the daemon is told', async () => {
    const file = program('#!/bin/sh\n');
    const { told, launch } = await startDaemon({
      values: { '$<T>': 'v' },
      beforeValues: () => {
        appendFileSync(file, 'echo\n');
      },
    });
    const ended = await mcp(['exec', '--replace', '--', file], { T: '$<T>' });
    expect(ended).toMatchObject({ code: 77, stdout: '' });
    expect(told.at(-1)?.params).toEqual({ launch, exit: 77 });
  });

  test('more values than the kernel takes end with 126', async () => {
    await startDaemon({ values: { '$<T>': 'x'.repeat(131_000) } });
    const entries = Array.from({ length: 40 }, (_, index) => ['--env', `V${index}=$<T>`]);
    const ended = await mcp(['exec', '--replace', ...entries.flat(), '--', 'true']);
    expect(ended).toMatchObject({ code: 126, stdout: '' });
    expect(ended.stderr).toMatch(/^mcp: error: .* too long for \S+true\nmcp: hint: /u);
  });

  test('many values that the kernel takes arrive whole', async () => {
    const value = 'x'.repeat(100_000);
    await startDaemon({ values: { '$<T>': value } });
    const entries = Array.from({ length: 15 }, (_, index) => ['--env', `V${index}=$<T>`]);
    const script = `const { env } = process;
      console.log(Object.keys(env).filter((name) => /^V\\d+$/.test(name) && env[name] === env.V0).length, env.V0.length)`;
    const ended = await mcp([
      'exec',
      '--replace',
      ...entries.flat(),
      '--',
      node,
      '-e',
      script.replaceAll('$', '$$$$'),
    ]);
    expect(ended).toMatchObject({ code: 0, stdout: '15 100000\n' });
  });

  test('a system that does not let a process become another ends with 64', async () => {
    await startDaemon({ values: { '$<T>': 'v' } });
    for (const T of ['plain', '$<T>']) {
      const child = spawn(
        node,
        ['--conditions=dev', '--no-addons', main, 'exec', '--replace', '--', 'true'],
        {
          env: { HOME: fixture.home, MCP_HOME: fixture.home, PATH: '/bin', T },
          stdio: ['ignore', 'inherit', 'pipe'],
        },
      );
      let stderr = '';
      child.stderr.on('data', (text) => (stderr += String(text)));
      expect(await once(child, 'close')).toEqual([64, null]);
      expect(stderr).toMatch(/^mcp: error: --replace does not work here: .*\nmcp: hint: .*\n$/u);
    }
  });
});

describe.skipIf(lacks('linux'))('nothing of how Node runs is left', deadline, () => {
  /** Started as the launcher starts us; `before` comes first in a shell of its own. */
  const see = (before: string, start: string, ...command: readonly string[]): string =>
    execFileSync(
      'sh',
      [
        '-c',
        `${before}; exec "$@"`,
        'sh',
        node,
        '--conditions=dev',
        '--disable-sigusr1',
        main,
        'exec',
        '--replace',
        '--',
        ...command,
      ],
      {
        env: { PATH: process.env['PATH'], HOME: fixture.home, MCP_ASIDE_START: start },
        encoding: 'utf8',
      },
    );

  test('no signal is blocked, and those alone are ignored that were', () => {
    const signals = ['grep', '-E', '^Sig(Blk|Ign)', '/proc/self/status'] as const;
    const line = (name: string, mask: number): string =>
      `Sig${name}:\t${mask.toString(16).padStart(16, '0')}\n`;
    for (const [mask, told] of [
      [0, '0'],
      [0, ''],
      [0x1001, '0000000000001001'],
      [1 << 13, '2000'],
    ] as const) {
      expect(see('true', `1024 ${told}`, ...signals)).toBe(line('Blk', 0) + line('Ign', mask));
    }
  });

  test('the limit of open files is as it was, and never over the hard one', () => {
    const limits = ['sh', '-c', 'ulimit -S -n; ulimit -H -n'] as const;
    expect(see('ulimit -S -n 100; ulimit -H -n 200', '100 0', ...limits)).toBe('100\n200\n');
    expect(see('ulimit -S -n 100; ulimit -H -n 200', '1000 0', ...limits)).toBe('200\n200\n');
    for (const none of ['unlimited 0', '']) {
      expect(see('ulimit -n 200', none, ...limits)).toBe('200\n200\n');
    }
  });

  test('a working folder that is gone is its working folder', () => {
    const folder = join(fixture.home, 'folder');
    mkdirSync(folder);
    expect(see(`cd ${folder}; rmdir ${folder}`, '', 'readlink', '/proc/self/cwd')).toBe(
      `${folder} (deleted)\n`,
    );
  });
});
