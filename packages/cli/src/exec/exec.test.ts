import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BrokerError } from '@mcp-broker/daemon/protocol';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  startFakeDaemon,
  type FakeDaemon,
  type FakeOptions,
} from '../../../../test/fixtures/fake-daemon.ts';

const main = fileURLToPath(new URL('../main.ts', import.meta.url));
const programs = new URL('../../../../test/fixtures/programs/', import.meta.url);
const node = process.execPath;
const printSelf = fileURLToPath(new URL('print-self.mjs', programs));
const nameSignal = fileURLToPath(new URL('name-signal.mjs', programs));
const stdioFlags = fileURLToPath(new URL('stdio-flags.sh', programs));

const deadline = { timeout: 20_000 };

let home: string;
let daemon: FakeDaemon | undefined;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'mcp-exec-'));
});
afterEach(async () => {
  await daemon?.stop();
  daemon = undefined;
  rmSync(home, { recursive: true });
});

async function startDaemon(options: Omit<FakeOptions, 'home'>): Promise<FakeDaemon> {
  daemon = await startFakeDaemon({ home, ...options });
  return daemon;
}

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

type OnOutput = (text: string, kill: (signal: NodeJS.Signals) => void) => void;

/** Runs `mcp` from the sources to its end; `onOutput` sees each piece of its stdout. */
function mcp(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  onOutput?: OnOutput,
): Promise<Ended> {
  return start(args, env, onOutput).ended;
}

function start(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  onOutput: OnOutput = () => undefined,
): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  const child = spawn(node, ['--conditions=dev', '--disable-sigusr1', main, ...args], {
    env: { PATH: process.env['PATH'] ?? '', HOME: home, MCP_HOME: home, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text;
    onOutput(text, (signal) => child.kill(signal));
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  child.stdin.end();
  const ended = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
    ...output,
  }));
  return { child, ended };
}

function copied(file: string): string {
  copyFileSync(file, `${file}.copy`);
  return `${file}.copy`;
}

function becomePipe(file: string): void {
  rmSync(file);
  execFileSync('mkfifo', [file]);
}

function becomeLoop(file: string): void {
  rmSync(file);
  symlinkSync(file, file);
}

interface Self {
  readonly argv: readonly string[];
  readonly argv0: string;
  readonly env: Readonly<Record<string, string>>;
}

describe('mcp exec', () => {
  test('starts the server with values in the places of references, and says nothing itself', async () => {
    const { requests } = await startDaemon({ values: { '$<T>': 'value', '$<U>': null } });
    const args = ['exec', '--server', 's', '--env', 'A=<${T}>${U:-d}', '--', node, printSelf, 'x'];
    const { stdout, ...rest } = await mcp(args, { B: '$<T>', MCP_ASIDE_NODE_PATH: '/p' });
    expect(rest).toEqual({ code: 0, signal: null, stderr: '' });
    const self = JSON.parse(stdout) as Self;
    expect(self.argv).toEqual(['x']);
    expect(self.env).toMatchObject({
      A: '<value>d',
      B: 'value',
      MCP_LAUNCH: 'fake-launch',
      MCP_HOME: home,
      NODE_PATH: '/p',
    });
    expect(Object.keys(self.env).filter((name) => name.startsWith('MCP_ASIDE_'))).toEqual([]);
    expect(requests).toEqual([
      {
        command: node,
        args: [printSelf, 'x'],
        path: process.env['PATH'] ?? '',
        environment: [
          { name: 'B', value: '$<T>', origin: 'inherited' },
          { name: 'A', value: '<${T}>${U:-d}', origin: 'entry' },
        ],
        server: 's',
      },
    ]);
  });

  test.each<[what: string, env: Readonly<Record<string, string>>, sent: readonly string[]]>([
    ['nothing where nothing steers', { A: 'x', TOKEN: 'secret' }, []],
    [
      'those that steer, each ended by a NUL, under their own names',
      {
        LD_LIBRARY_PATH: '',
        API_URL: 'http://ü@h/=\n',
        MCP_ASIDE_NODE_OPTIONS: '--no-warnings',
        MCP_LAUNCH: 'of another',
        A: 'x',
      },
      ['API_URL=http://ü@h/=\n', 'LD_LIBRARY_PATH=', 'NODE_OPTIONS=--no-warnings'],
    ],
    ['no entries', { API_URL: '$<T>', X_HOST: 'h', SET_HOST: 'h' }, ['X_HOST=h']],
  ])('tells the daemon of inherited variables: %s', async (_what, env, sent) => {
    const { attachments } = await startDaemon({ values: { '$<T>': 'v' } });
    const args = ['exec', '--env', 'SET_HOST=x', '--', 'true', 'x'];
    expect(await mcp(args, { ...env, T: '$<T>' })).toMatchObject({ code: 0, stderr: '' });
    const [first = [], ...further] = attachments;
    expect(further).toEqual([]);
    expect(first.map((bytes) => bytes.split('\0').toSorted())).toEqual(
      sent.length === 0 ? [] : [['', ...sent]],
    );
  });

  test('gives the program its own name as it was typed', async () => {
    await startDaemon({ values: { '$<T>': 'v' } });
    for (const env of [{}, { T: '$<T>' }]) {
      const { stdout } = await mcp(['exec', '--', 'node', printSelf], {
        PATH: join(node, '..'),
        ...env,
      });
      expect((JSON.parse(stdout) as Self).argv0).toBe('node');
    }
  });

  test('needs no daemon, no home and no config where no reference is', async () => {
    const missing = join(home, 'missing');
    const args = ['--home', missing, 'exec', '--env', 'A=$${T}', '--', node, printSelf];
    const { code, stdout } = await mcp(args, { B: '${T} and $T' });
    expect(code).toBe(0);
    const { env } = JSON.parse(stdout) as Self;
    expect(env).toMatchObject({ A: '${T}', B: '${T} and $T' });
    expect(env).not.toHaveProperty('MCP_LAUNCH');
    expect(existsSync(missing)).toBe(false);
  });

  test('never lets the server’s descriptors stop blocking', async () => {
    await startDaemon({ values: { '$<T>': 'v' } });
    const { stdout } = await mcp(['exec', '--', stdioFlags], { T: '$<T>' });
    const flags = stdout
      .trim()
      .split('\n')
      .map((octal) => Number.parseInt(octal, 8));
    expect(flags).toHaveLength(2);
    expect(flags.filter((value) => (value & 0o4000) !== 0)).toEqual([]);
  });
});

describe('a wait for approval', () => {
  const args = ['exec', '--wait-approval', '5m', '--', node, nameSignal];
  const pending = [{ id: '7F3A', hint: 'in a terminal: mcp approve 7F3A' }];

  test('says once what to type, with the home that it is for, and then runs the server', async () => {
    const { requests } = await startDaemon({
      values: { '$<T>': 'v' },
      pending: [...pending, ...pending],
    });
    const said = `mcp: waiting for approval: in a terminal: mcp --home ${home} approve 7F3A\n`;
    const ended = await mcp(['--home', home, ...args], { T: '$<T>' }, (_text, kill) => {
      kill('SIGTERM');
    });
    expect(ended).toEqual({ code: 7, signal: null, stdout: 'ready\nSIGTERM\n', stderr: said });
    expect(requests).toMatchObject([{ waitMs: 300_000 }]);
  });

  test('that nobody answers ends with 77 and what to type, as without a wait', async () => {
    const refusal = new BrokerError('ERR_NOT_APPROVED', 'this launch is not approved', {
      hint: 'mcp approve 7F3A',
    });
    await startDaemon({ values: {}, pending, refusal });
    const ended = await mcp(args, { T: '$<T>' });
    expect(ended).toEqual({
      code: 77,
      signal: null,
      stdout: '',
      stderr:
        'mcp: waiting for approval: in a terminal: mcp approve 7F3A\n' +
        'mcp: error: this launch is not approved\nmcp: hint: mcp approve 7F3A\n',
    });
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s ends at once, and the request with it',
    async (signal) => {
      const served = await startDaemon({ values: {}, pending, refusal: 'no answer' });
      const launch = start(args, { T: '$<T>' });
      launch.child.stderr?.once('data', () => launch.child.kill(signal));
      expect(await launch.ended).toMatchObject({ code: null, signal, stdout: '' });
      await vi.waitFor(() => {
        expect(served.connections).toBe(0);
      }, deadline);
    },
  );
});

describe('signals', () => {
  test.each(['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR2'] as const)(
    '%s goes to the server, whose exit code is ours',
    async (signal) => {
      await startDaemon({ values: { '$<T>': 'v' } });
      const ended = await mcp(['exec', '--', node, nameSignal], { T: '$<T>' }, (text, kill) => {
        if (text.includes('ready')) kill(signal);
      });
      expect(ended).toEqual({ code: 7, signal: null, stdout: `ready\n${signal}\n`, stderr: '' });
    },
  );

  test('SIGUSR1, which opens the debugger of Node, does nothing', async () => {
    await startDaemon({ values: { '$<T>': 'v' } });
    const ended = await mcp(['exec', '--', node, nameSignal], { T: '$<T>' }, (text, kill) => {
      if (!text.includes('ready')) return;
      kill('SIGUSR1');
      kill('SIGTERM');
    });
    expect(ended).toEqual({ code: 7, signal: null, stdout: 'ready\nSIGTERM\n', stderr: '' });
  });

  test('before there is a server ends mcp itself', async () => {
    await startDaemon({ values: {}, refusal: 'silence' });
    const launch = start(['exec', '--', node, nameSignal], { T: '$<T>' });
    await vi.waitFor(() => {
      expect(daemon?.requests).toHaveLength(1);
    }, deadline);
    launch.child.kill('SIGTERM');
    expect(await launch.ended).toEqual({ code: null, signal: 'SIGTERM', stdout: '', stderr: '' });
  });

  test('one that ends the server gives 128 and its number', async () => {
    const { code } = await mcp(['exec', '--', 'sh', '-c', 'kill -KILL $$']);
    expect(code).toBe(137);
  });
});

describe('a launch that fails', () => {
  const launch = ['exec', '--', node, printSelf];

  test.each<[what: string, options: Omit<FakeOptions, 'home'>, code: number, stderr: string]>([
    [
      'without approval says what to type',
      {
        values: {},
        refusal: new BrokerError('ERR_NOT_APPROVED', 'this launch is not approved', {
          hint: 'mcp approve 7F3A',
        }),
      },
      77,
      'mcp: error: this launch is not approved\nmcp: hint: mcp approve 7F3A\n',
    ],
    [
      'while the home is locked ends with 75',
      { values: {}, refusal: new BrokerError('ERR_LOCKED', 'locked', { hint: 'mcp unlock' }) },
      75,
      'mcp: error: locked\nmcp: hint: mcp unlock\n',
    ],
    [
      'because the daemon dies ends with 69',
      { values: {}, refusal: 'hang up' },
      69,
      'mcp: error: the daemon went away\n',
    ],
    [
      'because a value holds a NUL ends with 78',
      { values: { '$<T>': 'a\0b' } },
      78,
      'mcp: error: the value for T holds a NUL\n',
    ],
  ])('%s', async (_what, options, code, stderr) => {
    await startDaemon(options);
    const ended = await mcp(launch, { T: '$<T>' });
    expect(ended).toMatchObject({ code, signal: null, stdout: '' });
    expect(ended.stderr.slice(0, stderr.length)).toBe(stderr);
  });

  test.each<[what: string, change: (file: string) => void]>([
    ['is written', (file) => appendFileSync(file, '\n')],
    ['takes the place of another', (file) => renameSync(copied(file), file)],
    ['is touched', (file) => chmodSync(file, 0o711)],
    ['goes', (file) => rmSync(file)],
    ['becomes a pipe', (file) => becomePipe(file)],
    ['becomes a loop of links', (file) => becomeLoop(file)],
  ])('because one of its files %s before it starts ends with 77', async (_what, change) => {
    const script = join(home, 'server.mjs');
    const other = join(home, 'other.mjs');
    for (const [which, command] of [
      ['program', [script]],
      ['script', [node, script]],
    ] as const) {
      rmSync(script, { force: true });
      writeFileSync(script, '#!/usr/bin/env node\nconsole.log(1)\n', { mode: 0o755 });
      writeFileSync(other, '');
      const options = { values: { '$<T>': 'v' }, files: [other, script] };
      const one = await startDaemon(options);
      expect(await mcp(['exec', '--', ...command], { T: '$<T>' }), which).toMatchObject({
        code: 0,
        stdout: '1\n',
      });
      await one.stop();
      await startDaemon({ ...options, beforeValues: () => change(script) });
      const ended = await mcp(['exec', '--', ...command], { T: '$<T>' });
      expect(ended, which).toMatchObject({ code: 77, signal: null, stdout: '' });
      expect(ended.stderr).toMatch(
        `mcp: error: ${script} changed while it was being launched\nmcp: hint: start the server again`,
      );
      await daemon?.stop();
    }
  });

  test.each([
    ['127 when there is no such command', ['nosuch-command', 'x'], 127, 'command not found'],
    ['127 when there is no such file', ['/nonexistent/x', 'x'], 127, 'command not found'],
    ['126 when it is a folder', ['/', 'x'], 126, 'not executable'],
    ['64 when there is no command', [], 64, 'exec needs a command'],
    ['64 when an argument holds a reference', ['echo', '$<T>'], 64, 'argument 1 holds'],
  ])('ends with %s', async (_what, args, code, message) => {
    const ended = await mcp(['exec', ...args]);
    expect(ended).toMatchObject({ code, stdout: '' });
    expect(ended.stderr).toMatch(new RegExp(`^mcp: error: ${message}.*\nmcp: hint: .+\n$`, 'u'));
  });

  test('ends with 127 when the interpreter of a script is missing, and 126 for a mode', async () => {
    const script = join(home, 'script');
    writeFileSync(script, '#!/nonexistent/interpreter\n', { mode: 0o755 });
    expect((await mcp(['exec', '--', script])).code).toBe(127);
    chmodSync(script, 0o600);
    expect((await mcp(['exec', '--', script])).code).toBe(126);
  });

  test('ends with 126 when environment and arguments are more than the kernel takes', async () => {
    const value = 'x'.repeat(131_000);
    const entries = Array.from({ length: 40 }, (_, index) => `V${index}`);
    await startDaemon({ values: { '$<T>': value } });
    const { code, stderr } = await mcp([
      'exec',
      ...entries.flatMap((name) => ['--env', `${name}=$<T>`]),
      '--',
      'true',
    ]);
    expect({ code, message: stderr.slice(0, 200).split('\n')[0] }).toEqual({
      code: 126,
      message: expect.stringMatching(/too long for \S+true$/u) as string,
    });
  });
});
