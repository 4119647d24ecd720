import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHome, mcpCommand, type Home } from '../kit/home.ts';
import { lacks } from '../kit/needs.ts';
import { startPty, type Pty } from '../kit/pty.ts';
import { run } from '../kit/run.ts';

// The scripts of `mcp completion`, in the real shells at a terminal.

const zshSetUp = `show() { zle -I; print -r -- "[$BUFFER]"; BUFFER= }; zle -N show; bindkey '^Xp' show; unsetopt automenu`;

/** How each is started without anybody's settings, and made to show the line that is being edited. */
const shells = {
  bash: {
    program: 'bash',
    args: ['--norc', '--noprofile', '-i'],
    setUp: `bind -x '"\\C-xp": echo "[$READLINE_LINE]"; READLINE_LINE='; bind 'set show-all-if-ambiguous on'`,
    load: 'eval "$(mcp completion bash)"',
    listed: /^set +show *$/mu,
  },
  zsh: {
    program: 'zsh',
    args: ['-f', '-i'],
    setUp: zshSetUp,
    load: 'eval "$(mcp completion zsh)"',
    listed: /set +-- keep a value under a name[^]*show +-- show what/u,
  },
  'zsh, from a folder of its functions': {
    program: 'zsh',
    args: ['-f', '-i'],
    setUp: zshSetUp,
    load: 'mkdir functions; mcp completion zsh > functions/_mcp; fpath=($PWD/functions $fpath); autoload -Uz compinit; compinit',
    listed: /set +-- keep a value under a name[^]*show +-- show what/u,
  },
  fish: {
    program: 'fish',
    args: ['--no-config', '-i'],
    setUp: `bind \\cxp 'echo "["(commandline)"]"; commandline ""'`,
    load: 'mcp completion fish | source',
    listed: /set[^]*keep a value under a name[^]*show[^]*show what/u,
  },
} as const;

let home: Home;
let env: Readonly<Record<string, string>>;
let pending = '';
const other = (): string => join(home.folder, 'other');

beforeAll(async () => {
  home = await createHome({ kind: 'identity' });
  const bin = join(home.folder, 'bin');
  mkdirSync(bin);
  for (const name of ['mcp', 'mcp-broker']) symlinkSync(mcpCommand, join(bin, name));
  writeFileSync(join(bin, 'server-of-a-test'), '#!/bin/sh\n', { mode: 0o755 });
  env = { ...home.env, PATH: `${bin}:${home.env['PATH'] ?? ''}`, TERM: 'xterm' };
  await home.set('API_TOKEN', 'hunter2');
  const refused = await home.mcp(['exec', '--env', 'TOKEN=$<API_TOKEN>', '--', '/bin/true']);
  pending = /approve ([0-9A-Z]{4})$/mu.exec(refused.stderr)?.[1] ?? '';
  const servers = 'servers:\n  github:\n    command: [server-of-a-test]\n';
  mkdirSync(other(), { mode: 0o700 });
  writeFileSync(join(other(), 'config.yaml'), `version: "1.0"\n${servers}`, { mode: 0o600 });
  mkdirSync(join(home.folder, 'folder-of-a-test'));
});
afterAll(async () => {
  await home.remove();
});

describe.each(Object.entries(shells))('%s', (_name, { program, args, setUp, load, listed }) => {
  const missing = lacks('python3', program);
  let pty: Pty;

  beforeAll(async () => {
    if (missing) return;
    pty = startPty(program, args, { env, cwd: home.folder });
    pty.type(`${setUp}\n${load}\necho rea''dy\n`);
    await pty.see(/^ready/mu);
  });
  afterAll(async () => {
    if (missing) return;
    // Some ask again before they leave a line that is being edited.
    pty.close();
    await pty.ended;
  });

  /** The line after a Tab, and what was shown meanwhile. */
  async function tab(line: string): Promise<{ line: string; shown: string }> {
    const before = pty.shown.length;
    pty.type(`${line}\t\u0018p`);
    const [, after = ''] = await pty.see(/^\[(.*)\]$/mu);
    return { line: after, shown: pty.shown.slice(before) };
  }

  test.skipIf(missing).each<[typed: string, completed: string | (() => string)]>([
    ['mcp stat', 'mcp status '],
    ['mcp-broker secr', 'mcp-broker secret '],
    ['mcp secret sh', 'mcp secret show '],
    ['mcp help secr', 'mcp help secret '],
    ['mcp help secret sh', 'mcp help secret show '],
    ['mcp --no-c', 'mcp --no-color '],
    ['mcp secret set --gen', 'mcp secret set --generate '],
    ['mcp secret show API', 'mcp secret show API_TOKEN '],
    ['mcp --json secret show API', 'mcp --json secret show API_TOKEN '],
    ['mcp secret set --backend seal', 'mcp secret set --backend sealed '],
    ['mcp secret set --backend=seal', 'mcp secret set --backend=sealed '],
    ['mcp audit search --outcome fa', 'mcp audit search --outcome failed '],
    ['mcp audit search --event refused', 'mcp audit search --event refused-peer '],
    ['mcp config set settings.max_st', 'mcp config set settings.max_stale '],
    ['mcp completion fi', 'mcp completion fish '],
    ['mcp init --backend keych', 'mcp init --backend keychain '],
    ['mcp --home ~/other exec gith', 'mcp --home ~/other exec github '],
    ['mcp exec --home=other gith', 'mcp exec --home=other github '],
    ['mcp --config other/conf', 'mcp --config other/config.yaml '],
    ['mcp --config=other/conf', 'mcp --config=other/config.yaml '],
    ['mcp --config other/config.yaml exec gith', 'mcp --config other/config.yaml exec github '],
    ['mcp exec -- server-of', 'mcp exec -- server-of-a-test '],
    ['mcp exec server-of', 'mcp exec server-of-a-test '],
    ['mcp exec -- ./bin/server-of', 'mcp exec -- ./bin/server-of-a-test '],
    ['mcp exec -- server-of-a-test other/conf', 'mcp exec -- server-of-a-test other/config.yaml '],
    ['mcp approve --workspace folder-of', 'mcp approve --workspace folder-of-a-test/'],
    ['mcp status > other/conf', 'mcp status > other/config.yaml '],
    ['mcp nonsense st', 'mcp nonsense st'],
    ['mcp status st', 'mcp status st'],
    ['mcp secret set --fd st', 'mcp secret set --fd st'],
  ])('%s', async (typed, completed) => {
    expect((await tab(typed)).line).toBe(completed);
  });

  test.skipIf(missing)('the id of a request that waits', async () => {
    const { line } = await tab(`mcp approve ${pending.slice(0, 3)}`);
    expect(line).toBe(`mcp approve ${pending} `);
  });

  test.skipIf(missing)('several are listed', async () => {
    const { shown } = await tab('mcp secret s');
    expect(shown).toMatch(listed);
  });

  test.skipIf(missing)('nothing that was shown is a value or an error', () => {
    expect(pty.shown).not.toMatch(/hunter2|error|not found|Error/u);
  });
});

describe('whatever is wrong, nothing is said and nothing is started', () => {
  test.each<[what: string, args: readonly string[], env?: Readonly<Record<string, string>>]>([
    ['no home', ['bash', '--home', '/nonexistent', 'secret', 'show', '']],
    ['a home that cannot be', ['zsh', 'secret', 'show', ''], { MCP_HOME: 'relative' }],
    ['no shell', []],
    ['another shell', ['tcsh', 'st']],
    ['an option that there is not', ['bash', '--what', 'st']],
    ['a home without a daemon', ['bash', '--home', 'OTHER', 'secret', 'show', '']],
  ])('%s', async (_what, args, more) => {
    const words = args.map((word) => (word === 'OTHER' ? other() : word));
    const ended = await home.mcp(['__complete', ...words], { env: { ...env, ...more } });
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout.split('\n').length).toBeLessThan(8);
    expect(existsSync(join(other(), 'run'))).toBe(false);
  });

  test('B19: what a caller calls itself is no word to offer, and cannot act on the terminal', async () => {
    const name = 'e\u001b[31mvil\t$(touch x)\n--all';
    await home.mcp(['exec', '--server', name, '--env', 'T=$<API_TOKEN>', '--', '/bin/true', 'x']);
    for (const [shell, line] of [
      ['zsh', 'approve '],
      ['fish', 'deny '],
      ['bash', 'deny '],
      ['zsh', 'approvals revoke '],
    ] as const) {
      const { stdout } = await home.mcp(['__complete', shell, ...line.split(' ')]);
      expect(stdout).toMatch(/^none\n(?:[0-9A-Z]{4}(?:\t.*)?\n)*$/u);
      expect(stripVTControlCharacters(stdout)).toBe(stdout);
    }
    const { stdout } = await home.mcp(['__complete', 'zsh', 'approve', '']);
    expect(stdout).toContain('\te\\e[31mvil\\t$(touch x)\\n--all API_TOKEN\n');
  });

  test('a daemon that does not answer is not waited for', async () => {
    const { stdout } = await home.mcp(['daemon', 'status', '--json']);
    const { pid } = JSON.parse(stdout) as { pid: number };
    process.kill(pid, 'SIGSTOP');
    try {
      const ended = await home.mcp(['__complete', 'bash', 'secret', 'list', '--backend', 'se']);
      expect(ended).toEqual({ code: 0, stdout: 'none\nsealed\n', stderr: '' });
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });

  test.skipIf(lacks('bash'))('a shell that finds no mcp completes nothing', async () => {
    const script = await home.mcp(['completion', 'bash']);
    const line =
      'PATH=/nonexistent COMP_WORDS=(mcp st) COMP_CWORD=1 COMP_LINE="mcp st" COMP_POINT=6';
    const ended = await run('bash', [
      '-c',
      `${script.stdout}\n${line}; _mcp_broker; echo "<$COMPREPLY>"`,
    ]);
    expect(ended).toEqual({ code: 0, stdout: '<>\n', stderr: '' });
  });
});
