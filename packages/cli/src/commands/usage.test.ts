import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { lacks } from '../../../../test/kit/needs.ts';
import type { Ended } from '../../../../test/kit/run.ts';
import { createSourceHome, type SourceHome } from './source-home.ts';
import { isGroup, type Spec } from './spec.ts';
import { globalOptions, tree } from './tree.ts';

let home: SourceHome;
beforeAll(() => {
  home = createSourceHome();
});
afterAll(async () => {
  await home.remove();
});

describe('what makes no sense is 64, with a hint, and repeats no value', () => {
  test.each<[what: string, args: readonly string[], says: RegExp]>([
    ['an unknown command', ['statsu'], /unknown command statsu\n.*did you mean mcp status\?/u],
    [
      'an unknown command of a group',
      ['secret', 'lst'],
      /unknown command lst\n.*did you mean mcp secret list\?/u,
    ],
    ['an unknown option', ['status', '--jsno'], /unknown option --jsno\n.*did you mean --json/u],
    [
      'a command in the words of others',
      ['ls'],
      /unknown command ls\n.*mean mcp secret list, mcp backend list or/u,
    ],
    ['a command of no group', ['secret', 'unlock'], /unknown command unlock\n.*mean mcp unlock\?/u],
    ['help of no command', ['help', 'secret', 'lst'], /unknown command lst\n.*mcp secret list\?/u],
    ['help of no command, as an option', ['lst', '--help'], /unknown command lst\n.*mean mcp/u],
    [
      'an unknown option of exec',
      ['exec', '--serevr', 'hunter2', '--', 'x'],
      /unknown option --serevr\n.*did you mean --server\?/u,
    ],
    ['an unknown option of run', ['run', '--what=hunter2', 'x'], /--what\n.*mcp run --help/u],
    ['a shell that is not completed for', ['completion', 'tcsh'], /mcp completion bash/u],
    ['an unknown option before the command', ['--jsno', 'status'], /unknown option --jsno/u],
    ['an unknown option with a value', ['status', '--what=hunter2'], /unknown option --what\n/u],
    ['an unknown short option with a value', ['unlock', '-phunter2'], /unknown option -p\n/u],
    ['a group alone', ['secret'], /Usage: mcp secret/u],
    ['a name that is missing', ['secret', 'set'], /mcp secret set needs NAME/u],
    ['a value that is missing', ['unlock', '--fd'], /--fd needs a value/u],
    ['a value as an argument', ['secret', 'set', 'A', 'hunter2'], /--stdin or --fd/u],
    ['too many arguments', ['secret', 'rm', 'A', 'hunter2'], /too many arguments/u],
    ['a value with its name', ['secret', 'set', 'A=hunter2'], /--stdin or --fd/u],
    ['a descriptor that is no number', ['unlock', '--fd', 'hunter2'], /--fd takes a whole number/u],
    ['a descriptor that is not open', ['secret', 'set', 'A', '--fd', '17'], /17< FILE/u],
    ['two sources', ['secret', 'set', 'A', '--stdin', '--generate'], /one of --stdin, --fd/u],
    ['a length of nothing', ['secret', 'set', 'A', '--length', '9'], /goes with --generate/u],
    [
      'a length that is too great',
      ['secret', 'set', 'A', '--generate', '--length', '9999'],
      /4096/u,
    ],
    ['--yes without a passphrase', ['init', '--yes'], /--fd 3 3< FILE, or --identity-file/u],
    ['a backend that there is not', ['init', '--backend', 'vault'], /sealed or keychain/u],
    ['an empty home', ['--home', '', 'status'], /--home needs a value/u],
    ['exec after an option that it does not take', ['--verbose=1', 'exec', 'x'], /hint/u],
  ])('%s', async (_what, args, says) => {
    const { code, stdout, stderr } = await home.mcp(args);
    expect(stderr).toMatch(says);
    expect(stderr).toMatch(/hint:|Usage:/u);
    expect(stdout + stderr).not.toContain('hunter2');
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
  });
});

describe('A10: no option takes a secret', () => {
  test.each([
    ['--password', 'hunter2', 'unlock'],
    ['unlock', '--passphrase', 'hunter2'],
    ['init', '--passphrase=hunter2'],
    ['secret', 'set', 'A', '--value', 'hunter2'],
    ['secret', 'set', 'A', '--value=hunter2'],
    ['secret', 'set', '--token', 'hunter2', 'A'],
    ['approve', '--Password=hunter2'],
    ['status', '-password', 'hunter2'],
  ])('%s %s %s', async (...args) => {
    const { code, stdout, stderr } = await home.mcp(args);
    expect(stderr).toMatch(/there is no option --?p|there is no option --(token|value|Password)/u);
    expect(stderr).toMatch(/hint: .*--fd N.*--stdin/u);
    expect(stdout + stderr).not.toContain('hunter2');
    expect(code).toBe(64);
  });
});

test('A10: no command has an option that a secret would be typed after', () => {
  const options = (specs: readonly Spec[]): string[] =>
    specs.flatMap((spec) =>
      isGroup(spec) ? options(spec.commands) : (spec.options ?? []).map(([flags]) => flags),
    );
  const all = [...options(tree), ...globalOptions.map(([flags]) => flags)];
  expect(all).toContain('--fd <N>');
  expect(all.filter((flags) => /pass|secret|token|value|credential/iu.test(flags))).toEqual([]);
});

describe('what needs no daemon', () => {
  test('mcp alone says what to do next, in at most five lines', async () => {
    const { code, stdout, stderr } = await home.mcp([]);
    expect(stdout.trimEnd().split('\n').length).toBeLessThanOrEqual(5);
    expect(stdout).toContain('mcp init');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  test('--version and --help go to stdout', async () => {
    expect(await home.mcp(['--version'])).toMatchObject({ code: 0, stdout: '0.1.0\n' });
  });

  test.each([
    ['help', '--help'],
    ['help secret', 'secret --help'],
    ['help secret set', 'secret set --help'],
    ['secret help set', 'secret set --help'],
    ['--json help exec', 'exec --help'],
    ['help config init -- more', 'config init --help'],
    ['approvals help', 'approvals --help'],
  ])('mcp %s is mcp %s', async (line, other) => {
    const [asked, option] = await Promise.all([
      home.mcp(line.split(' ')),
      home.mcp(other.split(' ')),
    ]);
    expect(asked).toMatchObject({ code: 0, stderr: '' });
    expect(asked.stdout).toContain(`Usage: mcp ${other.replace(/ ?--help/u, '')}`.trimEnd());
    expect(option).toEqual(asked);
  });

  test('options of every command stand before it and after it', async () => {
    for (const args of [
      ['--home', '/x', '--json', 'config', 'path'],
      ['config', 'path', '--json', '--home', '/x'],
      ['config', '--home=/x', 'path', '--json'],
    ]) {
      const { stdout } = await home.mcp(args);
      expect(JSON.parse(stdout)).toEqual({ path: '/x/config.yaml' });
    }
  });

  test('--verbose adds the code of an error', async () => {
    const { stderr } = await home.mcp(['daemon', 'logs', '--verbose']);
    expect(stderr).toContain('ERR_NO_HOME');
    expect((await home.mcp(['daemon', 'logs'])).stderr).not.toContain('ERR_');
  });

  test('what only looks starts no daemon', async () => {
    const mcp = (args: readonly string[]): Promise<Ended> => home.mcp(args);
    const codes = [
      (await mcp(['status'])).code,
      (await mcp(['daemon', 'status', '--json'])).code,
      (await mcp(['audit', 'tail'])).code,
      (await mcp(['lock'])).code,
      (await mcp(['cache', 'clear'])).code,
      (await mcp(['daemon', 'stop'])).code,
    ];
    expect(codes).toEqual([69, 69, 78, 0, 0, 0]);
    expect((await home.shell('ls -A .mcp')).code).not.toBe(0);
  });

  test('a command that needs a home says how to make one', async () => {
    const { code, stderr } = await home.mcp(['secret', 'list']);
    expect(stderr).toContain('hint: mcp init');
    expect(code).toBe(78);
  });

  test.skipIf(lacks('linux'))('a disk that is full is told in one line', async () => {
    const { code, stderr } = await home.shell('mcp config schema > /dev/full');
    expect(stderr).toMatch(/^mcp: error: .* ENOSPC\nmcp: hint: .*\n$/u);
    expect(code).toBe(64);
  });

  test('a reader that goes away ends a command without a word', async () => {
    const line = '(mcp config schema; echo $? >&2) | head -c 1 > /dev/null';
    expect((await home.shell(line)).stderr).toMatch(/^(0|141)\n$/u);
  });
});

describe('mcp config check', () => {
  test('reports every problem with 78, and as JSON', async () => {
    const config =
      'printf "version: \\"1.0\\"\\nsetings: {}\\naliasses: {}\\n" > c.yaml; chmod 600 c.yaml';
    const text = await home.shell(`${config}; mcp --config c.yaml config check`);
    expect(text.stderr).toMatch(/setings[^]*aliasses/u);
    expect(text).toMatchObject({ code: 78, stdout: '' });
    const json = await home.shell('mcp --config c.yaml config check --json');
    const { valid, problems } = JSON.parse(json.stdout) as { valid: boolean; problems: object[] };
    expect({ valid, count: problems.length, code: json.code }).toEqual({
      valid: false,
      count: 2,
      code: 78,
    });
  });
});
