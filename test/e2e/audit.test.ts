import { chmodSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditLines, createHome, type Home } from '../kit/home.ts';

const args = ['--env', 'TOKEN=$<TOKEN>', '--', '/bin/true'];
let home: Home;
beforeAll(async () => {
  home = await createHome({ kind: 'sealed' });
  await home.set('TOKEN', 'value');
}, 60_000);
afterAll(async () => {
  await home.remove();
});

describe('the audit log', () => {
  test('has one line for each decision and change, numbered from the first', async () => {
    await home.approve(args);
    expect((await home.mcp(['exec', '--server', 'one', ...args])).code).toBe(0);
    expect((await home.mcp(['exec', '--env', 'TOKEN=$<NONE>', '--', '/bin/true'])).code).toBe(66);
    expect((await home.mcp(['lock'])).code).toBe(0);
    const lines = await auditLines(home);
    expect(lines.map((line) => line['seq'])).toEqual(lines.map((_, index) => index + 1));
    const told = lines.map((line) =>
      [line['event'], line['outcome'], line['code']].filter(Boolean).join(' '),
    );
    expect(told).toEqual([
      'start allowed',
      'unlock allowed',
      'set allowed',
      'pending denied ERR_NOT_APPROVED',
      'approve allowed',
      'launch allowed',
      'deny denied ERR_UNKNOWN_VARIABLE',
      'lock allowed',
    ]);
    expect(lines.find((line) => line['event'] === 'launch')).toMatchObject({
      server: 'one',
      variables: ['TOKEN'],
      uid: process.getuid?.(),
      launch: expect.stringMatching(/^[0-9a-f]{16}$/u) as string,
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/u) as string,
    });
    expect((await home.mcp(['unlock', '--fd', '3'], { fd3: home.passphrase })).code).toBe(0);
  });

  test('that cannot be written gives nothing out, and recovers without a restart', async () => {
    const folder = join(home.broker, 'audit');
    renameSync(folder, `${folder}.away`);
    const refused = await home.mcp(['exec', ...args]);
    expect(refused.code).toBe(69);
    expect(refused.stderr).toContain('audit');
    rmSync(folder, { recursive: true, force: true });
    renameSync(`${folder}.away`, folder);
    expect((await home.mcp(['exec', ...args])).code).toBe(0);
    const lines = await auditLines(home);
    expect(lines.map((line) => line['seq'])).toEqual(lines.map((_, index) => index + 1));
  });

  test('does not stop anybody from locking', async () => {
    const folder = join(home.broker, 'audit');
    renameSync(folder, `${folder}.away`);
    mkdirSync(folder, { mode: 0o700 });
    chmodSync(folder, 0o500);
    expect((await home.mcp(['lock'])).code).toBe(0);
    rmSync(folder, { recursive: true, force: true });
    renameSync(`${folder}.away`, folder);
    expect((await home.mcp(['exec', ...args])).code).toBe(75);
  });
});
