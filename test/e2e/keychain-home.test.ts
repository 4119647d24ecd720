import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import {
  createKeychainAccess,
  createKeychainOwnItems,
  type KeychainOwnItems,
} from '@mcp-broker/providers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { examine, idsOf } from '../kit/doctor.ts';
import { createHome, expectSuccess, mcpCommand, type Home } from '../kit/home.ts';
import { keychainNeeds, startKeychain, type Keychain } from '../kit/keychain.ts';
import { lacks } from '../kit/needs.ts';
import { countInMemory } from '../kit/process-memory.ts';
import { startPty } from '../kit/pty.ts';
import { run, type Ended } from '../kit/run.ts';

const launch = ['exec', '--env', 'TOKEN=$<API_TOKEN>', '--', 'printenv', 'TOKEN'];
const passphrase = 'a passphrase';
/** No text of ours holds it. */
const value = 'canary-8d1f0c62e4';

describe.skipIf(lacks(...keychainNeeds, 'python3'))('a home on a real keychain', () => {
  let keychain: Keychain;
  let home: Home;
  const homes: Home[] = [];
  beforeAll(async () => {
    keychain = await startKeychain();
  });
  afterAll(async () => {
    await keychain.remove();
  });
  beforeEach(async () => {
    home = await newHome();
  });
  afterEach(async () => {
    for (const each of homes.splice(0)) await each.remove();
  });

  async function newHome(): Promise<Home> {
    const made = await createHome({ kind: 'empty', bus: keychain.bus });
    homes.push(made);
    return made;
  }
  const must = async (...args: readonly string[]): Promise<string> =>
    expectSuccess(await home.mcp(args)).stdout;
  /** But for what `mcp` compiles for itself. */
  const files = (): string[] => readdirSync(home.broker).filter((name) => name !== 'cache');
  const status = async (): Promise<Record<string, unknown>> =>
    JSON.parse(await must('status', '--json')) as Record<string, unknown>;

  /** As a person does on a terminal. */
  async function approve(): Promise<void> {
    const refused = await home.mcp(launch);
    expect(refused).toMatchObject({ code: 77 });
    const pty = startPty(mcpCommand, ['approve'], { env: home.env });
    for (;;) {
      const [, code] = await pty.see(/-- more --|[\r\n]code: (\w{4})\n[^]*approve: /u);
      pty.type(code === undefined ? ' ' : `${code}\r`);
      if (code !== undefined) break;
    }
    expect(await pty.ended).toMatchObject({ code: 0 });
  }

  async function setUp(): Promise<void> {
    await must('init', '--yes');
    await home.set('API_TOKEN', value);
    await approve();
    expect(await home.mcp(launch)).toMatchObject({ code: 0, stdout: `${value}\n` });
  }

  /** Lends an item of the broker's own, of this home. */
  async function withItem<T>(
    name: string,
    action: (items: KeychainOwnItems, name: string) => Promise<T>,
  ): Promise<T> {
    const access = createKeychainAccess({
      sessionBus: () => keychain.bus,
      after: (ms, then) => {
        const timer = setTimeout(then, ms);
        return () => {
          clearTimeout(timer);
        };
      },
    });
    const { id } = JSON.parse(readFileSync(join(home.broker, 'keychain'), 'utf8')) as {
      id: string;
    };
    try {
      return await action(createKeychainOwnItems(access, home.broker), `home_${id}_${name}`);
    } finally {
      access.close();
    }
  }
  const deleteItem = async (name: string): Promise<void> => {
    expect(await withItem(name, async (items, item) => items.delete(item))).toBe(true);
  };

  describe('mcp init', () => {
    test('takes the keychain, says why, asks nothing, and a second time changes nothing', async () => {
      const first = JSON.parse(await must('init', '--yes', '--json')) as object;
      expect(first).toMatchObject({ changed: true, backend: 'keychain', why: 'it works here' });
      expect(readFileSync(join(home.broker, 'config.yaml'), 'utf8')).toMatch(
        /^ {2}default_backend: keychain\b/mu,
      );
      const before = files();
      expect(before.filter((name) => name.endsWith('.age'))).toEqual([]);
      const marker = readFileSync(join(home.broker, 'keychain'), 'utf8');
      expect(await must('init')).toBe(`${home.broker} is set up already: nothing changed\n`);
      expect(files()).toEqual(before);
      expect(readFileSync(join(home.broker, 'keychain'), 'utf8')).toBe(marker);
      expect(await status()).toMatchObject({ keys: { source: 'keychain', state: 'ready' } });
    });

    test('says it again in a home whose daemon outlived an init that failed', async () => {
      await must('init', '--yes');
      rmSync(join(home.broker, 'keychain'));
      await must('init', '--yes');
      await must('daemon', 'restart');
      expect(await status()).toMatchObject({ keys: { source: 'keychain', state: 'ready' } });
    });

    test('takes the sealed file when that is asked for, or a passphrase is given', async () => {
      for (const args of [[], ['--backend', 'sealed']]) {
        home = await newHome();
        const made = await home.mcp(['init', '--yes', '--fd', '3', '--json', ...args], {
          fd3: passphrase,
        });
        expect(JSON.parse(expectSuccess(made).stdout)).toMatchObject({ backend: 'sealed' });
        expect(existsSync(join(home.broker, 'keychain'))).toBe(false);
      }
    });

    test('puts a config of before on the keychain, unless it names a backend itself', async () => {
      const earlier = 'version: "1.0"\n# mine\naliases: {disk: df -h}\n';
      writeConfig(earlier);
      await must('init', '--yes');
      const now = readFileSync(join(home.broker, 'config.yaml'), 'utf8');
      expect(now).toContain('default_backend: keychain');
      expect(now).toContain('# mine');

      home = await newHome();
      writeConfig(`${earlier}settings: {default_backend: sealed}\n`);
      const { code, stderr } = await home.mcp(['init', '--backend', 'keychain']);
      expect(stderr).toContain('mcp config set settings.default_backend keychain');
      expect(code).toBe(78);
    });

    test.each([
      ['locked', async () => keychain.lock(), 75, 'the keychain is locked'],
      ['gone', async () => keychain.kill(), 69, 'no program on the session bus keeps a keychain'],
    ])('makes nothing where the keychain is %s and nothing else will do', async (...row) => {
      const [, spoil, exit, says] = row;
      await spoil();
      try {
        const forced = await home.mcp(['init', '--backend', 'keychain']);
        expect(forced.stderr).toContain(`the keychain does not work here: ${says}`);
        expect(forced.stderr).toContain('mcp: hint: ');
        expect({ code: forced.code, made: existsSync(home.broker) }).toEqual({
          code: exit,
          made: false,
        });
        const open = await home.mcp(['init', '--yes']);
        expect(open.stderr).toContain(`the keychain does not work here: ${says}`);
        expect(open.stderr).toContain('--fd 3 3< FILE');
        expect({ code: open.code, made: existsSync(home.broker) }).toEqual({
          code: 64,
          made: false,
        });
      } finally {
        await keychain.restart();
      }
    });
  });

  function writeConfig(text: string): void {
    mkdirSync(home.broker, { mode: 0o700 });
    writeFileSync(join(home.broker, 'config.yaml'), text, { mode: 0o600 });
  }

  test('goes the whole way, and a daemon that starts anew goes on with it', async () => {
    await setUp();
    await must('daemon', 'restart');
    expect(await home.mcp(launch)).toMatchObject({ code: 0, stdout: `${value}\n` });
    expect(await must('audit', 'verify')).toMatch(
      /^whole: \d+ lines, up to number \d+ under a MAC/u,
    );
    expect(files().filter((name) => name.endsWith('.age'))).toEqual([]);
    expect(await status()).toMatchObject({ grants: 1 });
  });

  test('is locked by a person until a person unlocks it, also for the next daemon', async () => {
    await setUp();
    await must('lock');
    const locked = { code: 75, stderr: expect.stringContaining('mcp unlock') as string };
    expect(await home.mcp(launch)).toMatchObject(locked);
    expect(await home.mcp(['secret', 'list'])).toMatchObject(locked);
    expect(await home.mcp(['secret', 'set', 'B', '--stdin'], { input: 'x' })).toMatchObject(locked);
    await must('daemon', 'restart');
    expect(await home.mcp(launch)).toMatchObject(locked);
    await must('daemon', 'stop');
    await must('lock');
    expect(await must('init')).toContain('nothing changed');
    expect(await home.mcp(launch)).toMatchObject(locked);
    expect(await must('unlock')).toBe('unlocked\n');
    expect(await must('unlock')).toBe('already unlocked\n');
    expect(await home.mcp(launch)).toMatchObject({ code: 0 });
  });

  test.skipIf(lacks('root'))(
    'A13: holds no value and no key in its memory once locked',
    async () => {
      await setUp();
      const key = await withItem('key', async (items, item) => items.get(item));
      const { pid } = (await status()) as { pid: number };
      const count = async (): Promise<number[]> => [
        await countInMemory(pid, Buffer.from(value)),
        await countInMemory(pid, key ?? Buffer.alloc(0)),
      ];
      expect(key?.length).toBe(32);
      expect(await count()).toEqual([1, 1]);
      await must('lock');
      await must('unlock');
      expect(await home.mcp(launch)).toMatchObject({ code: 0 });
      await must('lock');
      await expect.poll(count, { timeout: 5000, interval: 500 }).toEqual([0, 0]);
    },
  );

  test('waits for a locked keychain, and goes on by itself once that is open', async () => {
    await setUp();
    await must('daemon', 'stop');
    keychain.lock();
    try {
      expect(await home.mcp(launch)).toMatchObject({
        code: 75,
        stderr: expect.stringContaining('the keychain is locked') as string,
      });
      expect(await status()).toMatchObject({
        keys: { state: 'locked', problem: { code: 'ERR_LOCKED' } },
        backends: [{ name: 'keychain', state: 'locked' }],
      });
    } finally {
      await keychain.restart();
    }
    expect(await home.mcp(launch)).toMatchObject({ code: 0, stdout: `${value}\n` });
  });

  test('says where its key is when there is no keychain any more', async () => {
    await setUp();
    await must('daemon', 'stop');
    await keychain.kill();
    try {
      expect(await home.mcp(launch)).toMatchObject({ code: 69 });
      const refused = await home.mcp(['secret', 'list']);
      expect(refused.stderr).toContain('the key of this home cannot be had');
      expect(refused.stderr).toContain('settings.session_bus');
      expect(refused.code).toBe(69);
      expect(idsOf(await examine(home))).toContain('keys-locked');
    } finally {
      await keychain.restart();
    }
    expect(await home.mcp(launch)).toMatchObject({ code: 0 });
  });

  test('grants nothing under another key than its own, and says so', async () => {
    await setUp();
    await must('daemon', 'stop');
    await deleteItem('key');
    const gone = await home.mcp(launch);
    expect(gone.stderr).toContain('the key of this home is gone from the keychain');
    expect(gone.code).toBe(78);
    expect(await must('init')).toContain('it has a new one');
    expect(await home.mcp(launch)).toMatchObject({ code: 77 });
    const { grants, grantsProblem } = await status();
    expect({ grants, grantsProblem }).toMatchObject({
      grants: 0,
      grantsProblem: { code: 'ERR_CORRUPT' },
    });
    expect(files().filter((name) => name.startsWith('grants.refused-'))).toHaveLength(1);
    const verdict = await home.mcp(['audit', 'verify']);
    expect(verdict.stdout + verdict.stderr).toContain('has a MAC that is wrong');
    expect(verdict.code).toBe(1);
  });

  test('grants nothing when what is kept of its grants is gone', async () => {
    await setUp();
    await must('daemon', 'stop');
    await deleteItem('grants');
    expect(await home.mcp(launch)).toMatchObject({ code: 77 });
    expect(await status()).toMatchObject({ grants: 0, grantsProblem: { code: 'ERR_CORRUPT' } });
  });

  test('shares nothing with another home, nor with its own copy', async () => {
    await setUp();
    const first = home;
    await must('daemon', 'stop');
    home = await newHome();
    await must('init', '--yes');
    expect(await home.mcp(launch)).toMatchObject({ code: 66 });
    await home.set('API_TOKEN', 'of the other');
    await must('daemon', 'stop');
    cpSync(join(first.broker, 'grants'), join(home.broker, 'grants'));
    expect(await home.mcp(launch)).toMatchObject({ code: 77 });
    await must('daemon', 'stop');

    rmSync(home.broker, { recursive: true });
    expectSuccess(await run('cp', ['-a', first.broker, home.broker]));
    expect(await home.mcp(launch)).toMatchObject({
      code: 78,
      stderr: expect.stringContaining('is gone from the keychain') as string,
    });
    expect(await first.mcp(launch)).toMatchObject({ code: 0, stdout: `${value}\n` });
  });

  describe('has no passphrase', () => {
    const withPassphrase = { fd3: `${passphrase}\n` };

    test('to approve with, and says what it has', async () => {
      await must('init', '--yes');
      await home.set('API_TOKEN', 'x');
      expect(await home.mcp(launch)).toMatchObject({ code: 77 });
      expect(await home.mcp(['approve', '--fd', '3'], withPassphrase)).toMatchObject({
        code: 77,
        stderr: expect.stringContaining('this home is on the keychain and has no') as string,
      });
      expect(await home.mcp(['unlock', '--fd', '3'], withPassphrase)).toMatchObject({ code: 64 });
    });

    test('which the strong mode of presence needs: a config error, until a sealed file is there', async () => {
      await must('init', '--yes');
      await home.set('API_TOKEN', 'x');
      const config = join(home.broker, 'config.yaml');
      const text = readFileSync(config, 'utf8');
      writeFileSync(config, text.replace('presence: terminal ', 'presence: passphrase '));
      await must('daemon', 'restart');
      const wrong = { code: 78, stderr: expect.stringContaining('sealed file') as string };
      expect(await home.mcp(['config', 'check'])).toMatchObject(wrong);
      expect(await home.mcp(launch)).toMatchObject({ code: 77 });
      expect(await home.mcp(['approve', '--fd', '3'], withPassphrase)).toMatchObject(wrong);
      await addSealed();
      expect(await home.mcp(['config', 'check'])).toMatchObject({ code: 0 });
      const approved = await home.mcp(['approve', '--fd', '3'], withPassphrase);
      expect(approved).toMatchObject({ code: 0 });
      expect(await home.mcp(launch)).toMatchObject({ code: 0, stdout: 'x\n' });
    });
  });

  const addSealed = async (): Promise<Ended> =>
    expectSuccess(
      await home.mcp(['init', '--backend', 'sealed', '--fd', '3'], { fd3: `${passphrase}\n` }),
    );

  test('may have a sealed file beside the keychain, with a lock of its own', async () => {
    await setUp();
    await addSealed();
    expect((await addSealed()).stdout).toContain('nothing changed');
    expectSuccess(
      await home.mcp(['secret', 'set', 'B', '--stdin', '--backend', 'sealed'], { input: 'sealed' }),
    );
    await must('daemon', 'restart');
    expect(await home.mcp(launch)).toMatchObject({ code: 0 });
    const other = ['exec', '--env', 'B=$<B>', '--', 'printenv', 'B'];
    expect(await home.mcp(other)).toMatchObject({ code: 75 });
    expectSuccess(await home.mcp(['unlock', '--fd', '3'], { fd3: passphrase }));
    expect(await home.mcp(other)).toMatchObject({ code: 77 });
  });

  test('a sealed home around which a keychain is put does not open its secrets', async () => {
    home = await createHome({ kind: 'sealed', bus: keychain.bus });
    homes.push(home);
    await home.set('API_TOKEN', 'sealed');
    await must('daemon', 'stop');
    const other = await newHome();
    expectSuccess(await other.mcp(['init', '--yes']));
    const marker = readFileSync(join(other.broker, 'keychain'));
    writeFileSync(join(home.broker, 'keychain'), marker, { mode: 0o600 });
    await must('init');
    expect(await status()).toMatchObject({ keys: { source: 'keychain', state: 'ready' } });
    const unlock = await home.mcp(['unlock', '--fd', '3'], { fd3: `${home.passphrase}\n` });
    expect(unlock.stderr).toContain('belongs to a home without');
    expect(unlock.code).toBe(78);
    expect(await home.mcp(launch)).toMatchObject({ code: 75 });
    rmSync(join(home.broker, 'keychain'));
    await must('daemon', 'restart');
    expectSuccess(await home.mcp(['unlock', '--fd', '3'], { fd3: `${home.passphrase}\n` }));
    expect(await must('secret', 'list')).toContain('API_TOKEN');
  });
});
