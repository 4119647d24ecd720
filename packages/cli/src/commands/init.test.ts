import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { lacks } from '../../../../test/kit/needs.ts';
import { createSourceHome, type SourceHome } from './source-home.ts';

let home: SourceHome;
beforeEach(() => {
  home = createSourceHome();
});
afterEach(async () => {
  await home.remove();
});

const noTerminal = lacks('linux', 'python3');
const passphrase = 'a passphrase';
const quick = ['init', '--yes', '--fd', '3'];
const withPassphrase = { fd3: `${passphrase}\n` };

function mode(path: string): string {
  return (statSync(join(home.broker, path)).mode & 0o777).toString(8);
}

describe('mcp init', () => {
  test('makes a private home that is unlocked, and a second time changes nothing', async () => {
    const first = await home.mcp(quick, withPassphrase);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(['', 'config.yaml', 'identity.age', 'secrets.age'].map(mode)).toEqual([
      '700',
      '600',
      '600',
      '600',
    ]);
    expect(first.stdout).toContain(`made ${home.broker}/config.yaml`);
    const snippet = /^\{[^]*?^\}/mu.exec(first.stdout)?.[0] ?? '';
    expect(JSON.parse(snippet)).toMatchObject({
      mcpServers: { everything: { args: expect.arrayContaining(['exec', '--']) as string[] } },
    });

    // But for what the daemon keeps for itself, which it may still be writing.
    const files = (): string[] =>
      readdirSync(home.broker)
        .filter((name) => !/^\.?own\.age/u.test(name))
        .map((name) => `${name} ${statSync(join(home.broker, name)).mtimeMs}`);
    const before = files();
    const second = await home.mcp(['init'], withPassphrase);
    expect(second.stdout).toBe(`${home.broker} is set up already: nothing changed\n`);
    expect({ code: second.code, files: files() }).toEqual({ code: 0, files: before });

    const set = await home.mcp(['secret', 'set', 'A', '--stdin'], { input: 'x' });
    expect(set).toMatchObject({ code: 0, stdout: 'stored A in sealed\n' });
    expect((await home.mcp(['lock'])).code).toBe(0);
    expect(await home.mcp(['secret', 'list'])).toMatchObject({
      code: 75,
      stderr: expect.stringContaining('hint: mcp unlock') as string,
    });
    expect((await home.mcp(['unlock', '--fd', '3'], { fd3: 'wrong' })).code).toBe(77);
    expect((await home.mcp(['unlock', '--fd', '3'], withPassphrase)).code).toBe(0);
    expect((await home.mcp(['secret', 'list', '--json'])).stdout).toContain('"A"');
  });

  test.skipIf(noTerminal)('asks for the passphrase twice, and shows it never', async () => {
    const pty = home.terminal('mcp init');
    await pty.see(/New passphrase: /u);
    pty.type(`${passphrase}\r`);
    await pty.see(/The same again: /u);
    pty.type(`${passphrase}\r`);
    const { code, shown, restored } = await pty.ended;
    expect({ code, restored }).toEqual({ code: 0, restored: true });
    expect(shown).not.toContain(passphrase);
    expect((await home.mcp(['status', '--json'])).stdout).toContain('"ready"');
  });

  test.skipIf(noTerminal)('makes nothing when the two passphrases differ', async () => {
    const pty = home.terminal('mcp init');
    await pty.see(/New passphrase: /u);
    pty.type('one\r');
    await pty.see(/The same again: /u);
    pty.type('two\r');
    expect((await pty.ended).code).toBe(64);
    expect(existsSync(home.broker)).toBe(false);
  });

  test.skipIf(noTerminal)('makes nothing when it is interrupted at the prompt', async () => {
    const pty = home.terminal('mcp init');
    await pty.see(/New passphrase: /u);
    pty.type('on\u0003');
    expect(await pty.ended).toMatchObject({ code: 130, restored: true });
    expect(existsSync(home.broker)).toBe(false);
  });

  describe('writes settings.path as the person’s shell has it on a terminal', () => {
    const nvm = (): string => join(home.folder, '.nvm', 'bin');
    async function initialise(
      shell: string,
      file: string,
      line: string,
    ): Promise<[string, string]> {
      mkdirSync(nvm(), { recursive: true });
      writeFileSync(join(home.folder, file), `${line}\n`);
      const env = { ...home.env, SHELL: shell };
      const { code, stderr } = await home.mcp(quick, { ...withPassphrase, env });
      expect(code).toBe(0);
      const text = readFileSync(join(home.broker, 'config.yaml'), 'utf8');
      expect((await home.mcp(['config', 'check'])).code).toBe(0);
      return [/^ {2}path: (.*)$/mu.exec(text)?.[1] ?? '', stderr];
    }

    test.skipIf(lacks('bash'))('bash', async () => {
      const [path, stderr] = await initialise('/bin/bash', '.bashrc', `PATH=${nvm()}:$PATH`);
      expect(JSON.parse(path)).toContain(nvm());
      expect(stderr).toBe('');
    });

    test.skipIf(lacks('zsh'))('zsh', async () => {
      const [path] = await initialise('/bin/zsh', '.zshrc', `PATH=${nvm()}:$PATH`);
      expect(JSON.parse(path)).toContain(nvm());
    });

    test('and goes on without, and says so, when it does not say', async () => {
      const [path, stderr] = await initialise('/bin/sh', '.profile', 'echo secret; exit 3');
      expect([path, stderr]).toEqual([
        '',
        `mcp: warning: /bin/sh did not say its PATH: name the folders of your servers in settings.path of ${home.broker}/config.yaml\n`,
      ]);
    });
  });

  test('says how to give the passphrase when nobody can be asked', async () => {
    for (const args of [['init', '--yes'], ['init']]) {
      const { code, stderr } = await home.mcp(args);
      expect(stderr).toContain('--fd 3 3< FILE');
      expect(code).toBe(64);
    }
    expect(existsSync(home.broker)).toBe(false);
  });

  test('makes nothing where the keychain is asked for and there is none', async () => {
    const { code, stderr } = await home.mcp(['init', '--backend', 'keychain']);
    expect(stderr).toContain('the keychain does not work here: there is no session bus');
    expect(stderr).toContain('mcp init --backend sealed');
    expect({ code, made: existsSync(home.broker) }).toEqual({ code: 69, made: false });
  });

  test.each([
    ['the keychain and a passphrase', ['--backend', 'keychain', '--fd', '3']],
    ['a store that it does not know', ['--backend', 'vault']],
  ])('takes not %s', async (_what, args) => {
    const { code, stderr } = await home.mcp(['init', ...args], withPassphrase);
    expect(stderr).toContain('mcp: hint: mcp init');
    expect({ code, made: existsSync(home.broker) }).toEqual({ code: 64, made: false });
  });

  test.skipIf(lacks('age-keygen'))(
    'takes an identity that is there, and no passphrase',
    async () => {
      const file = join(home.folder, 'identity');
      expect((await home.shell(`umask 077; age-keygen -o ${file}`)).code).toBe(0);
      const args = ['init', '--yes', '--identity-file', file, '--json'];
      const made = await home.mcp(args);
      expect(JSON.parse(made.stdout)).toMatchObject({ changed: true, home: home.broker });
      expect(readFileSync(join(home.broker, 'config.yaml'), 'utf8')).toContain(file);
      expect(existsSync(join(home.broker, 'identity.age'))).toBe(false);
      expect((await home.mcp(['daemon', 'restart'])).stderr).toBe('');
      expect((await home.mcp(['secret', 'set', 'A', '--generate'])).code).toBe(0);
      expect((await home.mcp(['lock'])).code).toBe(0);
      expect((await home.mcp(['unlock'])).stdout).toBe('unlocked\n');
      expect(JSON.parse((await home.mcp(args)).stdout)).toMatchObject({ changed: false });
    },
  );

  test.each([
    ['that is not there', 'nowhere', '', 66],
    ['that is no identity', 'identity', 'hello\n', 78],
  ])('removes what it made for an identity file %s', async (_what, name, text, status) => {
    if (text !== '') writeFileSync(join(home.folder, name), text, { mode: 0o600 });
    const { code, stderr } = await home.mcp(['init', '--identity-file', name]);
    expect(stderr).toContain('hint:');
    expect({ code, left: existsSync(home.broker) }).toEqual({ code: status, left: false });
    expect(stderr).not.toContain('internal');
  });
});

describe('a home of the earlier tool', () => {
  const config = 'version: "1.0"\naliases:\n  disk: "df -h"\n';

  test('is narrowed, kept, and completed', async () => {
    mkdirSync(home.broker, { mode: 0o755 });
    writeFileSync(join(home.broker, 'config.yaml'), config);
    writeFileSync(join(home.broker, 'hook.sh'), '');
    chmodSync(join(home.broker, 'config.yaml'), 0o644);
    chmodSync(join(home.broker, 'hook.sh'), 0o755);
    const { code, stderr } = await home.mcp(quick, withPassphrase);
    expect(stderr.match(/others could reach .*: it is now yours alone/gu)).toHaveLength(3);
    expect(code).toBe(0);
    expect(['', 'config.yaml', 'hook.sh'].map(mode)).toEqual(['700', '600', '700']);
    expect(readFileSync(join(home.broker, 'config.yaml'), 'utf8')).toBe(config);
  });

  test('with a password is set up, and says which command moves it', async () => {
    mkdirSync(home.broker, { mode: 0o700 });
    const text = `${config}ssh_servers:\n  - {name: old, host: h, user: u, password: hunter2}\n`;
    writeFileSync(join(home.broker, 'config.yaml'), text, { mode: 0o600 });
    const { code, stdout, stderr } = await home.mcp(quick, withPassphrase);
    expect(stderr).toContain('mcp secret set');
    expect(stdout + stderr).not.toContain('hunter2');
    expect(code).toBe(0);
    expect((await home.mcp(['config', 'check'])).code).toBe(78);
  });

  test('that is broken is left as it is', async () => {
    mkdirSync(home.broker, { mode: 0o700 });
    writeFileSync(join(home.broker, 'config.yaml'), 'setings: {}\n', { mode: 0o600 });
    expect((await home.mcp(quick, withPassphrase)).code).toBe(78);
    expect(readdirSync(home.broker)).toEqual(['config.yaml']);
  });

  test('that is a link is refused', async () => {
    mkdirSync(join(home.folder, 'elsewhere'), { mode: 0o700 });
    symlinkSync(join(home.folder, 'elsewhere'), home.broker);
    const { code, stderr } = await home.mcp(quick, withPassphrase);
    expect(stderr).toContain('symbolic link');
    expect({ code, made: readdirSync(join(home.folder, 'elsewhere')) }).toEqual({
      code: 78,
      made: [],
    });
  });
});

describe('a home that lost a part', () => {
  test('without secrets.age is completed with the passphrase that it has', async () => {
    await home.must(quick, withPassphrase);
    await home.must(['daemon', 'stop']);
    rmSync(join(home.broker, 'secrets.age'));
    const wrong = await home.mcp(quick, { fd3: 'another\n' });
    expect({ code: wrong.code, left: existsSync(join(home.broker, 'identity.age')) }).toEqual({
      code: 77,
      left: true,
    });
    const { stdout } = await home.must(quick, withPassphrase);
    expect(stdout).toContain(`made ${home.broker}/secrets.age`);
    await home.must(['secret', 'set', 'A', '--generate']);
  });

  test('without identity.age gets no other one', async () => {
    await home.must(quick, withPassphrase);
    await home.must(['daemon', 'stop']);
    rmSync(join(home.broker, 'identity.age'));
    const { code, stderr } = await home.mcp(quick, withPassphrase);
    expect(stderr).toMatch(/hint: .*backup/u);
    expect({ code, made: existsSync(join(home.broker, 'identity.age')) }).toEqual({
      code: 66,
      made: false,
    });
  });
});

test.skipIf(noTerminal)('an interrupted set-up leaves nothing, and no daemon', async () => {
  const pty = home.terminal('exec mcp init');
  for (const prompt of [/New passphrase: /u, /The same again: /u]) {
    await pty.see(prompt);
    pty.type(`${passphrase}\r`);
  }
  await pty.see(/the home is made/u);
  pty.type('\u0003');
  expect(await pty.ended).toMatchObject({ code: 130, restored: true });
  expect(existsSync(home.broker)).toBe(false);
});

test('a home on a path that is too long is not made', async () => {
  const long = join(home.folder, 'x'.repeat(100));
  const { code, stderr } = await home.mcp(['--home', long, ...quick], withPassphrase);
  expect(stderr).toMatch(/hint: /u);
  expect({ code, made: existsSync(long) }).toEqual({ code: 78, made: false });
});

test('of two at once one makes the home, and the other leaves it alone', async () => {
  const ended = await Promise.all([1, 2].map(() => home.mcp(quick, withPassphrase)));
  const codes = ended.map(({ code }) => code);
  expect(codes).toContain(0);
  expect(codes.filter((code) => code !== 0 && code !== 64)).toEqual([]);
  expect((await home.mcp(['status', '--json'])).stdout).toContain('"ready"');
  await home.must(['lock']);
  await home.must(['unlock', '--fd', '3'], withPassphrase);
  expect(readdirSync(home.broker)).not.toContain('init.lock');
});

test('what a set-up left that was killed is taken over', async () => {
  mkdirSync(home.broker, { mode: 0o700 });
  writeFileSync(join(home.broker, 'init.lock'), '999999999', { mode: 0o600 });
  await home.must(quick, withPassphrase);
  expect(readdirSync(home.broker)).not.toContain('init.lock');
});

test('a set-up that is under way is not disturbed', async () => {
  mkdirSync(home.broker, { mode: 0o700 });
  writeFileSync(join(home.broker, 'init.lock'), String(process.pid), { mode: 0o600 });
  const { code, stderr } = await home.mcp(quick, withPassphrase);
  expect(stderr).toContain('being set up by another process');
  expect({ code, left: readdirSync(home.broker) }).toEqual({ code: 64, left: ['init.lock'] });
});
