import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { examine, idsOf, mend, writeCursor, writeFileIn, type Found } from '../kit/doctor.ts';
import { createHome, expectSuccess, mcpCommand, type Home } from '../kit/home.ts';

let home: Home;
let config = '';
/** With `settings.path`, which a graphical client would otherwise be told to have. */
beforeAll(async () => {
  home = await createHome({ kind: 'sealed' });
  await home.set('KNOWN', 'x');
  const text = readFileSync(join(home.broker, 'config.yaml'), 'utf8');
  config = text.replace(/^settings:$/mu, 'settings:\n  path: [/usr/bin]');
  writeConfig('');
});
afterAll(async () => {
  await home.remove();
});
afterEach(() => {
  writeConfig('');
  writeCursor(home, {});
});

function writeConfig(more: string): void {
  writeFileSync(join(home.broker, 'config.yaml'), `${config}\n${more}`);
}

/** An entry that goes through the broker. */
const wrapped = (env: Readonly<Record<string, string>>, ...words: string[]): object => ({
  command: mcpCommand,
  args: ['exec', ...(words.length > 0 ? words : ['--', '/bin/true'])],
  env,
});

async function findings(): Promise<readonly Found[]> {
  return (await examine(home)).findings;
}

describe('a server of config.yaml', () => {
  test('whose command is gone is told, and one that is in settings.path is not', async () => {
    writeConfig('servers:\n  gone: {command: [/nowhere/server]}\n  there: {command: [env]}\n');
    expect(await findings()).toMatchObject([
      {
        id: 'server-gone',
        severity: 'wrong',
        subject: `server gone of ${join(home.broker, 'config.yaml')}`,
      },
    ]);
  });

  test('whose reference leads nowhere is told, but for one with a default', async () => {
    const env = '{A: "$<KNOWN>", B: "$<UNKNOWN>", C: "$<OTHER:-x>", D: "$<nobody:x>"}';
    writeConfig(`servers:\n  one: {command: [/bin/true], env: ${env}}\n`);
    const found = await findings();
    expect(found.map(({ id, cause, remedy }) => [id, cause, remedy])).toEqual([
      ['reference-unknown', 'backend sealed has no such secret', 'mcp secret set UNKNOWN'],
      [
        'reference-unknown',
        'there is no backend nobody',
        expect.stringContaining('config.yaml') as string,
      ],
      [
        'reference-unapproved',
        expect.stringContaining('may not have KNOWN yet') as string,
        expect.stringContaining('mcp approve') as string,
      ],
    ]);
  });

  test('that was approved is told no more', async () => {
    writeConfig('servers:\n  one: {command: [/bin/true], env: {A: "$<KNOWN>"}}\n');
    expectSuccess(await home.mcp(['daemon', 'restart']));
    expectSuccess(await home.mcp(['unlock', '--fd', '3'], { fd3: `${home.passphrase}\n` }));
    expect(idsOf(await examine(home))).toEqual(['reference-unapproved']);
    await home.approve(['one'], { cwd: home.folder });
    expect(idsOf(await examine(home))).toEqual([]);
    expectSuccess(await home.mcp(['approvals', 'revoke', '--all']));
  });
});

test('a token in config.yaml is told, without its value', async () => {
  const token = `ghp_${randomBytes(40).toString('hex').slice(0, 36)}`;
  writeConfig(`servers:\n  one: {command: [/bin/true, --token=${token}], env: {A: ${token}}}\n`);
  const found = await findings();
  expect(found.map(({ id, subject }) => [id, subject])).toEqual([
    ['plaintext-token', `env.A of server one of ${join(home.broker, 'config.yaml')}`],
    ['plaintext-token', `command.1 of server one of ${join(home.broker, 'config.yaml')}`],
  ]);
  expect(JSON.stringify(found)).not.toContain(token);
});

describe('an entry of a client', () => {
  test.each([
    ['starts what is not there', { command: '/nowhere/server' }, 'server-gone'],
    ['wraps what is not there', wrapped({}, '--', '/nowhere/server'), 'server-gone'],
    ['starts no server of config.yaml', wrapped({}, 'nobody'), 'server-unknown'],
    [
      'starts one of a file that is gone',
      wrapped({}, '--from', '/nowhere/mcp.json', 'x'),
      'server-unknown',
    ],
    [
      'is no call that mcp understands',
      wrapped({}, '--nonsense', '--', '/bin/true'),
      'launch-unreadable',
    ],
    [
      'has a reference in an argument',
      wrapped({}, '--', '/bin/true', '$<KNOWN>'),
      'launch-unreadable',
    ],
    ['has an unknown reference', wrapped({ A: '$<UNKNOWN>' }), 'reference-unknown'],
    [
      'has one in --env',
      wrapped({}, '--env', 'A=$<UNKNOWN>', '--', '/bin/true'),
      'reference-unknown',
    ],
    ['has what nobody has approved', wrapped({ A: '$<KNOWN>' }), 'reference-unapproved'],
    [
      'has a reference that nothing reads',
      { command: '/bin/true', env: { A: '$<KNOWN>' } },
      'reference-unread',
    ],
  ])('%s', async (_, entry, id) => {
    writeCursor(home, { one: entry });
    const found = await findings();
    expect(found.map((one) => one.id)).toEqual([id]);
    expect(found[0]?.subject).toContain(`server one of ${join(home.folder, '.cursor/mcp.json')}`);
  });

  test.each([
    ['is switched off', { command: '/nowhere/server', disabled: true }],
    ['is remote', { url: 'https://mcp.example.org/mcp' }],
    ['is of another home', wrapped({ A: '$<UNKNOWN>' }, '--home', '/elsewhere', '--', '/bin/true')],
    ['takes an argument that is allowed', wrapped({}, '--allow-args', '--', '/bin/true', '$<A:->')],
    ['has a folder that its client knows', { command: './server', env: {} }],
  ])('is not told when it %s', async (_, entry) => {
    writeCursor(home, { one: entry });
    expect(await findings()).toEqual([]);
  });

  test.each([
    ['.gemini/settings.json', 'mcpServers', '${KNOWN}', 'reference-emptied', 'wrong'],
    ['.vscode/mcp.json', 'servers', '${env:KNOWN}', 'reference-emptied', 'wrong'],
    ['.claude.json', 'mcpServers', '${KNOWN:-}', 'reference-replaced', 'advice'],
  ])('of %s with %s %s is told what becomes of it', async (path, key, text, id, severity) => {
    const file = writeFileIn(home, path, JSON.stringify({ [key]: { one: wrapped({ A: text }) } }));
    const found = (await findings()).filter(
      (one) => one.id.startsWith('reference-e') || one.id === 'reference-replaced',
    );
    writeFileSync(file, '');
    expect(found).toMatchObject([{ id, severity, subject: `A of server one of ${file}` }]);
  });

  test('is also looked for in the folder that we stand in', async () => {
    const text = JSON.stringify({ mcpServers: { one: { command: '/nowhere/server' } } });
    writeFileIn(home, 'project/.mcp.json', text);
    const found = await examine(home, [], { cwd: join(home.folder, 'project') });
    expect(idsOf(found)).toEqual(['server-gone']);
    expect(idsOf(await examine(home))).toEqual([]);
  });
});

describe('a file of a client', () => {
  test('that cannot be read is told without what stands there, and so is one that everybody may write', async () => {
    const file = writeFileIn(home, '.cursor/mcp.json', '{"mcpServers": {"one": hunter22}}');
    const broken = await examine(home);
    expect(broken.findings).toMatchObject([{ id: 'client-file', subject: file }]);
    expect(JSON.stringify(broken)).not.toContain('hunter22');
    writeCursor(home, {});
    chmodSync(file, 0o666);
    expect(await findings()).toMatchObject([{ id: 'client-file', subject: file }]);
    chmodSync(file, 0o600);
  });

  test('in which a secret stands is told by its entry and key, never by its value', async () => {
    const token = `ghp_${randomBytes(40).toString('hex').slice(0, 36)}`;
    const password = randomBytes(15).toString('base64url');
    writeCursor(home, {
      one: {
        command: '/bin/true',
        args: ['--header', `Authorization: Bearer ${token}`],
        env: { GITHUB_TOKEN: token, DB_PASSWORD: password, API_KEY: 'YOUR_API_KEY', HOST: 'x.y' },
      },
    });
    const file = join(home.folder, '.cursor/mcp.json');
    for (const found of [await examine(home), await mend(home)]) {
      expect(found.findings.map(({ id, subject }) => [id, subject])).toEqual([
        ['plaintext-token', `args.1 of server one of ${file}, line 1`],
        ['plaintext-token', `env.GITHUB_TOKEN of server one of ${file}, line 1`],
        ['plaintext-likely', `env.DB_PASSWORD of server one of ${file}, line 1`],
      ]);
      expect(found.findings.map(({ remedy }) => remedy.slice(0, 32))).toEqual([
        'mcp secret set AUTHORIZATION, wr',
        'mcp secret set GITHUB_TOKEN, wri',
        'mcp secret set DB_PASSWORD, writ',
      ]);
    }
    const { stdout, stderr } = await home.mcp(['doctor'], { cwd: home.folder });
    for (const secret of [token, password]) {
      for (const form of [secret, Buffer.from(secret).toString('base64').slice(0, 20)]) {
        expect(`${stdout}${stderr}`).not.toContain(form);
      }
    }
    expect(stdout.split('\n').filter((line) => line !== '')).toHaveLength(3);
    expect(stdout).toMatch(
      /^wrong {3}args\.1 of server one of \S+, line 1: it holds a token of GitHub in plain text \(mcp secret set .*\)$/mu,
    );
    expect(stderr).toBe('mcp: 2 things are wrong, 1 piece of advice\n');
  });
});
