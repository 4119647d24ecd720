import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { deadline, execFixture, nameSignal, node, printSelf, stdioFlags } from './fixture.ts';

const fixture = execFixture();
const { mcp, start, startDaemon } = fixture;

interface Self {
  readonly argv: readonly string[];
  readonly argv0: string;
  readonly env: Readonly<Record<string, string>>;
}

describe('mcp exec', () => {
  test('starts the server with values in the places of references, and says nothing itself', async () => {
    const { requests, launch } = await startDaemon({ values: { '$<T>': 'value', '$<U>': null } });
    const args = ['exec', '--server', 's', '--env', 'A=<${T}>${U:-d}', '--', node, printSelf, 'x'];
    const { stdout, ...rest } = await mcp(args, { B: '$<T>', MCP_ASIDE_NODE_PATH: '/p' });
    expect(rest).toEqual({ code: 0, signal: null, stderr: '' });
    const self = JSON.parse(stdout) as Self;
    expect(self.argv).toEqual(['x']);
    expect(self.env).toMatchObject({
      A: '<value>d',
      B: 'value',
      MCP_LAUNCH: launch,
      NODE_PATH: '/p',
    });
    expect(Object.keys(self.env).filter((name) => /^MCP_(?!LAUNCH$)/u.test(name))).toEqual([]);
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
    ['HOME alone where nothing steers', { A: 'x', TOKEN: 'secret' }, []],
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
    expect(first.map((bytes) => bytes.split('\0').toSorted())).toEqual([
      ['', ...sent, `HOME=${fixture.home}`].toSorted(),
    ]);
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
    const missing = join(fixture.home, 'missing');
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

  test('A6: SIGUSR1, which opens the debugger of Node, does nothing', async () => {
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
      expect(fixture.daemon?.requests).toHaveLength(1);
    }, deadline);
    launch.child.kill('SIGTERM');
    expect(await launch.ended).toEqual({ code: null, signal: 'SIGTERM', stdout: '', stderr: '' });
  });

  test('one that ends the server gives 128 and its number', async () => {
    const { code } = await mcp(['exec', '--', 'sh', '-c', 'kill -KILL $$']);
    expect(code).toBe(137);
  });
});
