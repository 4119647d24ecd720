import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditLines, createHome, expectSuccess, type Home } from '../kit/home.ts';
import { lacks } from '../kit/needs.ts';

// A server that was given what it was approved for, and wants more. Its home is its own: what this
// process launched would count as a server itself.

const rogue = fileURLToPath(new URL('../fixtures/rogue.py', import.meta.url));
const python = '/usr/bin/python3';

/** All that a server may not do. */
const closed = [
  'approval.list',
  'secret.set',
  'secret.remove',
  'secret.open',
  'secret.reveal',
  'sealed.create',
  'sealed.unlock',
  'grant.revoke',
  'approval.open',
  'approval.grant',
  'approval.deny',
];

describe.skipIf(lacks('linux', 'python3'))('a rogue server', () => {
  let home: Home;
  beforeAll(async () => {
    home = await createHome({ kind: 'sealed' });
    await home.set('TOKEN', 'value');
  }, 60_000);
  afterAll(async () => {
    await home.remove();
  });

  /** A launch that waits for a person; gives its id. */
  async function pending(): Promise<string> {
    const unused = randomBytes(4).toString('hex');
    const words = ['exec', '--env', 'TOKEN=$<TOKEN>', '--', '/bin/echo', unused];
    const { stderr } = await home.mcp(words);
    const id = /approve (\w{4})$/mu.exec(stderr)?.[1];
    if (id === undefined) throw new Error(stderr);
    return id;
  }

  /** How each try of the server ended, and what the audit has of it. */
  async function launch(how: string): Promise<{ tries: object; lines: object[] }> {
    const id = await pending();
    const where = `MCP_HOME=${home.broker}`;
    const exec = ['--env', 'TOKEN=$<TOKEN>', '--env', where, '--', python, rogue, how, id, 'TOKEN'];
    await home.approve(exec);
    const before = (await auditLines(home)).length;
    const ended = expectSuccess(await home.mcp(['exec', ...exec]));
    const lines = (await auditLines(home))
      .slice(before)
      .filter(({ event }) => event !== 'launch' && event !== 'exit');
    return { tries: JSON.parse(ended.stdout) as object, lines };
  }

  const refused = Object.fromEntries(closed.map((method) => [method, 'ERR_PRESENCE']));

  test.each([
    ['with a terminal of its own', 'child'],
    ['in what it left behind, with a terminal of its own', 'left-behind'],
  ])('is refused all that a person decides, %s, and each try is audited', async (_title, how) => {
    const { tries, lines } = await launch(how);
    expect(tries).toEqual(refused);
    const line = { event: 'deny', outcome: 'denied', code: 'ERR_PRESENCE' };
    expect(lines).toMatchObject(closed.map(() => line));
    expect(lines.filter((one) => 'variables' in one)).toHaveLength(4);
  });

  test('that forks away, makes a terminal of its own and hides its mark passes `presence: terminal`', async () => {
    // What SECURITY.md names as the limit of this mode; when it fails, that text can go.
    const { tries } = await launch('escaped');
    expect(tries).toMatchObject({ 'approval.open': 'done', 'approval.grant': 'done' });
  });

  test('and is stopped by `presence: passphrase` alone', async () => {
    const file = join(home.broker, 'config.yaml');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace('presence: terminal', 'presence: passphrase'));
    expectSuccess(await home.mcp(['daemon', 'restart']));
    expectSuccess(await home.mcp(['unlock', '--fd', '3'], { fd3: home.passphrase }));
    // It had removed it.
    await home.set('TOKEN', 'value');
    const { tries } = await launch('escaped');
    expect(tries).toMatchObject({
      'secret.open': 'ERR_PRESENCE',
      'secret.reveal': 'ERR_PRESENCE',
      'approval.open': 'ERR_PRESENCE',
      'approval.grant': 'ERR_PRESENCE',
    });
  });
});
