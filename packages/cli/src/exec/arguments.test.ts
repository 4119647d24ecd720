import { describe, expect, test } from 'vitest';
import { parseExec, type ExecInput } from './arguments.ts';

function parsed(...argv: string[]): ExecInput {
  const input = parseExec(argv);
  if (input === undefined) throw new Error('not taken for a launch');
  return input;
}

describe('mcp exec takes its arguments apart', () => {
  test('everything after -- is the command and its arguments, as it came', () => {
    const { command, args } = parsed('exec', '--', 'server', '--env', '--', '-x', '');
    expect([command, ...args]).toEqual(['server', '--env', '--', '-x', '']);
  });

  test('without -- the first word that is no option begins the command', () => {
    const { command, args, server } = parsed('run', '--server', 's', 'npx', '--server', 'other');
    expect({ command, args, server }).toEqual({
      command: 'npx',
      args: ['--server', 'other'],
      server: 's',
    });
  });

  test('options take their value as the next word or after an equals sign', () => {
    for (const argv of [
      ['exec', '--env', 'A=x=y', '--home', '/h', '--', 'c'],
      ['exec', '--env=A=x=y', '--home=/h', '--', 'c'],
    ]) {
      const { entries, home } = parsed(...argv);
      expect([...entries]).toEqual([['A', 'x=y']]);
      expect(home).toBe('/h');
    }
  });

  test('--replace is an option of ours before the command alone', () => {
    expect(parsed('exec', '--replace', '--', 'c').replace).toBe(true);
    expect(parsed('exec', '--replace', 'name')).toMatchObject({ replace: true, command: '' });
    expect(parsed('exec', '--', 'c', '--replace')).toMatchObject({
      replace: false,
      args: ['--replace'],
    });
  });

  test('global options may stand before exec, and the last one counts', () => {
    const { home, config } = parsed(
      '--home',
      '/a',
      '--no-color',
      '--config=c.yaml',
      'exec',
      '--home',
      '/b',
      '--',
      'c',
    );
    expect({ home, config }).toEqual({ home: '/b', config: 'c.yaml' });
  });

  test('one word without -- is the name of an entry, of config.yaml or of a file', () => {
    for (const [argv, file] of [
      [['exec', 'github'], undefined],
      [['run', '--from', 'mcp.json', 'github'], 'mcp.json'],
    ] as const) {
      const { command, args, entry } = parsed(...argv);
      expect({ command, args, entry }).toEqual({
        command: '',
        args: [],
        entry: { file, name: 'github' },
      });
    }
    expect(parsed('exec', '--', 'github')).toMatchObject({ command: 'github', entry: undefined });
    expect(parsed('exec', '-', 'x')).toMatchObject({ command: '-', entry: undefined });
    expect(parsed('exec', 'npx', 'x')).toMatchObject({ command: 'npx', entry: undefined });
  });

  test('an entry may be empty', () => {
    expect([...parsed('exec', '--env', 'A=', '--', 'c').entries]).toEqual([['A', '']]);
  });

  test.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
  ])('--wait-approval %s', (text, waitMs) => {
    expect(parsed('exec', '--wait-approval', text, '--', 'c').waitMs).toBe(waitMs);
    expect(parsed('exec', `--wait-approval=${text}`, 'c', 'x').waitMs).toBe(waitMs);
  });

  test.each([
    [['status']],
    [['--home', '/h', 'status']],
    [[]],
    [['--help']],
    [['exec', '--help']],
    [['run', '--env', 'A=b', '-h']],
    [['exec', '--frobnicate=x', '--', 'c']],
    [['exec', '-x', '--', 'c']],
  ])('%j is for the other commands', (argv) => {
    expect(parseExec(argv)).toBeUndefined();
  });
});

describe('mcp exec refuses with 64', () => {
  test.each([
    [['exec'], 'exec needs a command to run'],
    [['run', '--'], 'run needs a command to run'],
    [['exec', '--env', 'A=b'], 'exec needs a command to run'],
    [['exec', '--', ''], 'exec needs a command to run'],
    [
      ['exec', '--from', 'mcp.json', '--', 'github'],
      '--from takes one word, the name of the server in the file',
    ],
    [
      ['exec', '--from', 'mcp.json', 'github', '--port'],
      '--from takes one word, the name of the server in the file',
    ],
    [['exec', '--from', 'mcp.json'], '--from takes one word, the name of the server in the file'],
    [['exec', '--env'], '--env needs a value'],
    [['exec', '--env', 'A', '--', 'c'], '--env needs KEY=REF'],
    [['exec', '--env', '1A=b', '--', 'c'], '--env: "1A" is not a variable name'],
    [['exec', '--env', '=b', '--', 'c'], '--env: "" is not a variable name'],
    [['exec', '--env', 'LD_PRELOAD\u0000=b', '--', 'c'], '--env: "LD_PRELOAD\\u0000" is not'],
    [['exec', '--env', `${'A'.repeat(129)}=b`, '--', 'c'], 'is not a variable name'],
    [['exec', '--env', 'A=1', '--env', 'A=2', '--', 'c'], '--env: A is given twice'],
    [['exec', '--env', 'MCP_LAUNCH=x', '--', 'c'], '--env: MCP_LAUNCH is set by mcp itself'],
    [['exec', '--allow-args=yes', '--', 'c'], '--allow-args takes no value'],
    [['exec', '--wait-approval', '--', 'c'], '--wait-approval needs a duration of at most 1h'],
    [['exec', '--wait-approval', 'npx', 'server'], '--wait-approval needs a duration'],
    [['exec', '--wait-approval=', '--', 'c'], '--wait-approval needs a value'],
    [['exec', '--wait-approval'], '--wait-approval needs a value'],
    [['exec', '--wait-approval=30', '--', 'c'], '--wait-approval needs a duration'],
    [['exec', '--wait-approval', '-5s', '--', 'c'], '--wait-approval needs a duration'],
    [['exec', '--wait-approval', '61m', '--', 'c'], '--wait-approval needs a duration'],
    [['exec', '--home', '', '--', 'c'], '--home needs a value'],
    [['exec', '--password', 'hunter2', '--', 'c'], '--password: no option takes a secret'],
  ])('%j', (argv, message) => {
    expect(() => parseExec(argv)).toThrow(
      expect.objectContaining({
        code: 'ERR_USAGE',
        message: expect.stringContaining(message) as string,
        hint: expect.stringMatching(/mcp/u) as string,
      }),
    );
  });

  test.each([[['exec', '--token=hunter2', '--', 'c']], [['exec', '--env', 'hunter2', '--', 'c']]])(
    'A10: %j without repeating what may be a secret',
    (argv) => {
      expect(() => parseExec(argv)).toThrow(/^(?!.*hunter2)/su);
    },
  );
});
