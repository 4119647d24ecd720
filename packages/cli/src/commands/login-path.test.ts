import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lacks } from '../../../../test/kit/needs.ts';
import { loginPath } from './login-path.ts';

let home = '';
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'mcp-login-'));
  for (const name of ['nvm', 'brew']) mkdirSync(join(home, name));
});
afterEach(() => {
  rmSync(home, { recursive: true });
});

const nvm = 'PATH="$HOME/nvm:$PATH"';

/** What the shell says, with these lines in its own files; `poor` at its end when that is not all. */
async function ask(
  shell: string,
  files: Readonly<Record<string, string>>,
  waitMs = 20_000,
): Promise<readonly string[]> {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(home, name), `${text}\n`);
  const environment = { HOME: home, SHELL: shell, SECRET: 'x' };
  const said = await loginPath(environment, waitMs);
  expect(said?.shell).toBe(shell);
  const folders = said?.folders?.map((folder) => folder.replace(home, '~')) ?? [];
  return said?.isPoor === true ? [...folders, 'poor'] : folders;
}

describe.each([
  ['/bin/sh', ['.profile'], '.profile'],
  ['/bin/bash', ['.bashrc', '.bash_profile', '.profile'], '.bashrc'],
  ['/bin/zsh', ['.zshrc', '.zprofile', '.zshenv'], '.zshrc'],
] as const)('%s', (shell, names, file) => {
  const name = shell.slice('/bin/'.length);

  test.skipIf(lacks(name)).each(names)('says what is set up in %s alone', async (each) => {
    expect(await ask(shell, { [each]: nvm })).toContain('~/nvm');
  });

  test.skipIf(lacks(name))(
    'is heard through banners, questions and what looks like an answer',
    async () => {
      const noise = `echo welcome; printf 'mcp-path-0:/fake'; echo "mcp-path-1:/fake" >&2
      printf 'Name? '; read -r name; ${nvm}; echo done`;
      const folders = await ask(shell, { [file]: noise });
      expect(folders[0]).toBe('~/nvm');
      expect(folders).not.toContain('/fake');
    },
  );

  test.skipIf(lacks(name))(
    'leaves no file behind, and has no terminal and little around it',
    async () => {
      const look =
        'env > "$HOME/seen"; pwd >> "$HOME/seen"; (: < /dev/tty) 2>/dev/null && echo TERMINAL >> "$HOME/seen"';
      await ask(shell, { [file]: look });
      const seen = readFileSync(join(home, 'seen'), 'utf8');
      expect(seen).toMatch(new RegExp(`^${home}$`, 'mu'));
      expect(seen).not.toMatch(/SECRET|TERMINAL/u);
      expect(readdirSync(home).toSorted()).toEqual([file, 'brew', 'nvm', 'seen'].toSorted());
    },
  );

  test.skipIf(lacks(name))('that hangs is given up, with what it started', async () => {
    const hang = 'sh -c \'echo $$ > "$HOME/pid"; exec sleep 60\'';
    const said = await ask(shell, { [file]: hang }, 1000);
    expect(said.at(-1)).toBe('poor');
    const pid = Number(readFileSync(join(home, 'pid'), 'utf8'));
    await expect.poll(() => existsSync(`/proc/${pid}/exe`), { timeout: 10_000 }).toBe(false);
  });
});

describe('a shell', () => {
  test('names each folder once, of those that not everybody can put a program into', async () => {
    mkdirSync(join(home, 'wide'));
    chmodSync(join(home, 'wide'), 0o777);
    const path = '$HOME/nvm:/usr/bin:relative::$HOME/none:$HOME/wide:/bin:/usr/bin';
    expect(await ask('/bin/sh', { '.profile': `PATH="${path}"` })).toEqual([
      '~/nvm',
      '/usr/bin',
      '/bin',
    ]);
  });

  test.skipIf(lacks('bash'))(
    'whose files become another program is asked as at a login',
    async () => {
      const files = { '.bashrc': 'exec true', '.profile': 'PATH="$HOME/brew:$PATH"' };
      const said = await ask('/bin/bash', files);
      expect([said[0], said.at(-1)]).toEqual(['~/brew', 'poor']);
    },
  );

  test('is not waited for once it has said it, nor is a program that it leaves behind', async () => {
    const leave = `sleep 60 &\necho $! > "$HOME/left"\n${nvm}`;
    expect((await ask('/bin/sh', { '.profile': leave }))[0]).toBe('~/nvm');
    process.kill(Number(readFileSync(join(home, 'left'), 'utf8')), 'SIGKILL');
  });

  test.each([
    ['ends', '/bin/sh', 'exit 1'],
    ['never stops to talk', '/bin/sh', 'while :; do echo "$PATH$PATH$PATH$PATH"; done'],
    ['is not there', '/no/such/shell', ''],
    ['says nothing', '/bin/true', ''],
  ])('that %s gives none', async (_what, shell, profile) => {
    expect(await ask(shell, { '.profile': profile })).toEqual(['poor']);
  });

  test('that is none is not asked', async () => {
    for (const SHELL of [undefined, '', 'sh', '/usr/sbin/nologin', '/bin/false']) {
      expect(await loginPath({ HOME: home, SHELL })).toBeUndefined();
    }
    expect(await loginPath({ SHELL: '/bin/sh' })).toBeUndefined();
  });
});
