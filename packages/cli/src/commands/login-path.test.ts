import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loginPath } from './login-path.ts';

let home = '';
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'mcp-login-'));
});
afterEach(() => {
  rmSync(home, { recursive: true });
});

/** What the shell says, with these lines in its own file. */
function ask(profile: string, waitMs?: number): Promise<readonly string[] | undefined> {
  writeFileSync(join(home, '.profile'), profile);
  return loginPath({ HOME: home, SHELL: '/bin/sh', SECRET: 'x' }, waitMs);
}

test('the folders are those of the login shell, once each, where nobody else can put a program', async () => {
  for (const name of ['nvm', 'wide']) mkdirSync(join(home, name));
  chmodSync(join(home, 'wide'), 0o777);
  const folders = await ask(
    'echo welcome; PATH="$HOME/nvm:/usr/bin:relative::$HOME/none:$HOME/wide:/bin:/usr/bin"',
  );
  expect(folders).toEqual([join(home, 'nvm'), '/usr/bin', '/bin']);
});

test('the shell starts in the home folder, with little in its environment', async () => {
  await ask('pwd > "$HOME/seen"; env >> "$HOME/seen"');
  const seen = readFileSync(join(home, 'seen'), 'utf8');
  expect(seen).toMatch(new RegExp(`^${home}$`, 'mu'));
  expect(seen).not.toContain('SECRET');
});

test('a program that the shell leaves behind is not waited for', async () => {
  expect(await ask('sleep 30 &\necho $! > "$HOME/left"\nPATH=/usr/bin', 20_000)).toEqual([
    '/usr/bin',
  ]);
  process.kill(Number(readFileSync(join(home, 'left'), 'utf8')), 'SIGKILL');
});

test('a shell that does not end, or says nothing, gives none', async () => {
  expect(await ask('touch "$HOME/ran"; sleep 30', 300)).toBeUndefined();
  expect(existsSync(join(home, 'ran'))).toBe(true);
  expect(await ask('exit 1')).toBeUndefined();
  for (const SHELL of [undefined, '', 'sh', '/no/such/shell']) {
    expect(await loginPath({ HOME: home, SHELL })).toBeUndefined();
  }
});
