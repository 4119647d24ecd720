import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditLines, createHome, expectSuccess, type Home } from '../kit/home.ts';
import { keychainNeeds, startKeychain, type Keychain } from '../kit/keychain.ts';
import { lacks } from '../kit/needs.ts';

const value = 'canary of the keychain +/"';

describe.skipIf(lacks(...keychainNeeds))('a home whose values lie in the keychain', () => {
  let keychain: Keychain;
  let home: Home;
  const configFile = (): string => join(home.broker, 'config.yaml');

  beforeAll(async () => {
    keychain = await startKeychain();
    home = await createHome({ kind: 'sealed', bus: null });
    // Of the bus nothing stands in the environment of whoever starts the daemon.
    const text = readFileSync(configFile(), 'utf8');
    const bus = `settings:\n  session_bus: ${JSON.stringify(keychain.bus)}\n`;
    writeFileSync(configFile(), text.replace('settings:\n', bus));
    expectSuccess(await home.mcp(['daemon', 'stop']));
    await unlock();
  }, 60_000);
  afterAll(async () => {
    await home.remove();
    await keychain.remove();
  });

  const unlock = async (): Promise<void> => {
    expectSuccess(await home.mcp(['unlock', '--fd', '3'], { fd3: `${home.passphrase}\n` }));
  };
  const printing = (name: string): string[] => [
    '--env',
    `X=$<${name}>`,
    '--',
    '/bin/sh',
    '-c',
    'printf %s "$X"',
  ];

  test('launches with a value that was set there, whose name has an entry now', async () => {
    const args = ['secret', 'set', 'TOKEN', '--backend', 'keychain', '--stdin'];
    const { stdout, stderr } = expectSuccess(await home.mcp(args, { input: value }));
    expect(stdout).toBe('stored TOKEN in keychain\n');
    expect(stderr).toContain('TOKEN leads there now');
    expect(readFileSync(configFile(), 'utf8')).toMatch(/TOKEN:\s+backend: keychain/u);
    await home.approve(printing('TOKEN'));
    expect(await home.mcp(['exec', ...printing('TOKEN')])).toMatchObject({
      code: 0,
      stdout: value,
    });
    const shown = expectSuccess(await home.mcp(['secret', 'list', '--backend', 'keychain']));
    expect(shown.stdout).toMatch(/^TOKEN +keychain +1 /mu);
    const lines = await auditLines(home);
    expect(lines.find(({ event }) => event === 'set')).toMatchObject({ backend: 'keychain' });
    for (const file of ['config.yaml', 'audit/current.jsonl', 'run/daemon.log']) {
      expect(readFileSync(join(home.broker, file), 'utf8')).not.toContain('canary of');
    }
  });

  test('is answered by 75 while the keychain is locked, and by 69 while there is none', async () => {
    expectSuccess(await home.mcp(['cache', 'clear']));
    keychain.lock();
    const locked = await home.mcp(['exec', ...printing('TOKEN')]);
    expect(locked).toMatchObject({ code: 75, stdout: '' });
    expect(locked.stderr).toContain('the keychain is locked');
    await keychain.kill();
    const absent = await home.mcp(['exec', ...printing('TOKEN')]);
    expect(absent).toMatchObject({ code: 69, stdout: '' });
    expect(absent.stderr).toContain('no program on the session bus keeps a keychain');
    await keychain.restart();
    expect(await home.mcp(['exec', ...printing('TOKEN')])).toMatchObject({ code: 0 });
  });

  test('waits for a keychain that hangs no longer than its limit, and nobody else does', async () => {
    expectSuccess(await home.mcp(['cache', 'clear']));
    await home.set('OTHER', 'from the sealed file');
    await home.approve(printing('OTHER'));
    expectSuccess(await home.mcp(['cache', 'clear']));
    const release = keychain.stall();
    try {
      let isOver = false;
      const hung = home.mcp(['exec', ...printing('TOKEN')]).finally(() => (isOver = true));
      expect(await home.mcp(['exec', ...printing('OTHER')])).toMatchObject({
        code: 0,
        stdout: 'from the sealed file',
      });
      expect(isOver).toBe(false);
      const { code, stderr } = await hung;
      expect(code).toBe(69);
      expect(stderr).toContain('the keychain did not answer in time');
    } finally {
      release();
    }
    expect(await home.mcp(['exec', ...printing('TOKEN')])).toMatchObject({ code: 0 });
  });

  test('ends with the lock the process beside the daemon that reads it, which writes no core file', async () => {
    expectSuccess(await home.mcp(['cache', 'clear']));
    expectSuccess(await home.mcp(['exec', ...printing('TOKEN')]));
    const { pid } = JSON.parse((await home.mcp(['status', '--json'])).stdout) as { pid: number };
    const helpers = (): string =>
      readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();
    const limits = readFileSync(`/proc/${helpers()}/limits`, 'latin1');
    expect(limits).toMatch(/^Max core file size +0 +0 /mu);
    expectSuccess(await home.mcp(['lock']));
    await expect.poll(helpers, { timeout: 5000, interval: 20 }).toBe('');
    await unlock();
  });

  test('gives nothing out and changes nothing there while it is locked', async () => {
    expectSuccess(
      await home.mcp(['secret', 'set', 'KEPT', '--backend', 'keychain', '--stdin'], { input: 'x' }),
    );
    expectSuccess(await home.mcp(['lock']));
    for (const args of [
      ['list', '--backend', 'keychain'],
      ['show', 'KEPT'],
      ['history', 'KEPT'],
      ['set', 'KEPT', '--stdin'],
      ['set', 'NEW', '--backend', 'keychain', '--stdin'],
      ['rm', 'KEPT'],
      ['mv', 'KEPT', '--to', 'sealed'],
    ]) {
      const { code, stderr } = await home.mcp(['secret', ...args], { input: 'y' });
      expect([code, stderr], args.join(' ')).toEqual([
        75,
        'mcp: error: the sealed file is locked\nmcp: hint: mcp unlock\n',
      ]);
    }
    await unlock();
    expect((await home.mcp(['secret', 'list', '--backend', 'keychain'])).stdout).toMatch(
      /^KEPT +keychain +1 /mu,
    );
  });

  test('keeps a value that moves, whenever the daemon is killed', async () => {
    await home.set('MOVED', value);
    for (let round = 0; round < 4; round += 1) {
      const to = round % 2 === 0 ? 'keychain' : 'sealed';
      const status = JSON.parse((await home.mcp(['status', '--json'])).stdout) as { pid: number };
      const moving = home.mcp(['secret', 'mv', 'MOVED', '--to', to]);
      await until(() => wroteDown(home, 'MOVED', to), round * 30);
      process.kill(status.pid, 'SIGKILL');
      await moving;
      await unlock();
      const again = await home.mcp(['secret', 'mv', 'MOVED', '--to', to]);
      expect(again.code, again.stderr).toBe(0);
      const shown = await home.mcp(['secret', 'show', 'MOVED', '--json']);
      expect(JSON.parse(shown.stdout)).toMatchObject({ backend: to });
      // Each place is asked for once.
      if (round < 2) await home.approve(printing('MOVED'));
      expect((await home.mcp(['exec', ...printing('MOVED')])).stdout).toBe(value);
      const other = to === 'sealed' ? 'keychain' : 'sealed';
      const left = await home.mcp(['secret', 'list', '--backend', other]);
      expect(left.stdout).not.toContain('MOVED');
    }
  }, 300_000);

  test.skipIf(lacks('secret-tool'))(
    'nothing is left in the keychain of a home once its items are cleared as the tutorial says',
    async () => {
      const other = await createHome({ kind: 'empty', bus: keychain.bus });
      try {
        expectSuccess(await other.mcp(['init']));
        await other.set('API_TOKEN', value);
        const { stdout } = expectSuccess(await other.mcp(['backend', 'list', '--json']));
        const backends = JSON.parse(stdout) as readonly {
          readonly name: string;
          readonly where?: string;
        }[];
        const service = backends.find(({ name }) => name === 'keychain')?.where ?? '';
        const found = (name: string): string =>
          keychain.run('secret-tool', ['search', '--all', 'service', name]);
        expect(found(service)).toContain(value);
        expect(found(`${service}/own`)).not.toBe('');
        for (const name of [service, `${service}/own`]) {
          keychain.run('secret-tool', ['clear', 'service', name]);
          expect(found(name)).toBe('');
        }
      } finally {
        await other.remove();
      }
    },
  );
});

/** The move has begun: its first line is in the audit. Then it goes on for so long. */
async function until(condition: () => boolean, thenMs: number): Promise<void> {
  await expect.poll(condition, { timeout: 15_000, interval: 2 }).toBe(true);
  const end = performance.now() + thenMs;
  await expect.poll(() => performance.now() >= end, { interval: 1 }).toBe(true);
}

function wroteDown(home: Home, name: string, backend: string): boolean {
  const text = readFileSync(join(home.broker, 'audit', 'current.jsonl'), 'utf8');
  const line =
    text
      .trimEnd()
      .split('\n')
      .findLast((each) => each.includes(`["${name}"]`)) ?? '';
  return line.includes('"event":"set"') && line.includes(`"backend":"${backend}"`);
}
