import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditVerdict } from '@mcp-broker/daemon/protocol';
import { auditLines, createHome, type Home } from '../kit/home.ts';
import type { Ended } from '../kit/run.ts';

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
      'exit allowed',
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

  test('B18: that cannot be written gives nothing out, and recovers without a restart', async () => {
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

describe('mcp audit verify', () => {
  const folder = (): string => join(home.broker, 'audit');
  const current = (): string => join(folder(), 'current.jsonl');
  const unlock = (): Promise<Ended> => home.mcp(['unlock', '--fd', '3'], { fd3: home.passphrase });
  const verify = async (): Promise<{ code: number; verdict: AuditVerdict }> => {
    const { code, stdout } = await home.mcp(['audit', 'verify', '--json']);
    return { code, verdict: JSON.parse(stdout) as AuditVerdict };
  };

  test('checks the chain alone while locked, and the MACs once unlocked', async () => {
    await home.mcp(['lock']);
    const locked = await home.mcp(['audit', 'verify']);
    expect([locked.code, locked.stderr]).toEqual([0, expect.stringContaining('mcp unlock')]);
    expect((await unlock()).code).toBe(0);
    const { code, verdict } = await verify();
    expect([code, verdict]).toEqual([
      0,
      expect.objectContaining({ ok: true, keys: 'used', covered: verdict.sequence }),
    ]);
    const lines = await auditLines(home);
    expect(lines.at(-1)).toMatchObject({ event: 'unlock', mac: expect.any(String) as string });
    // The first one: a lock of what is locked already has no key.
    expect(lines.find((line) => line['event'] === 'lock')).toHaveProperty('mac');
  });

  test('names the line that somebody changed while the daemon runs', async () => {
    const text = readFileSync(current(), 'utf8');
    try {
      writeFileSync(current(), text.replace('"server":"one"', '"server":"two"'));
      const line = text.split('\n').findIndex((each) => each.includes('"server":"one"')) + 1;
      const found = await home.mcp(['audit', 'verify']);
      expect(found.code).toBe(1);
      expect(found.stdout).toContain(`not whole: ${current()}:${line} `);
    } finally {
      writeFileSync(current(), text);
    }
    expect((await verify()).code).toBe(0);
  });

  test('B18: finds a log put back with its head while the daemon was away, and goes on finding it', async () => {
    const earlier = join(home.folder, 'earlier');
    await home.mcp(['daemon', 'stop']);
    cpSync(folder(), earlier, { recursive: true });
    expect((await unlock()).code).toBe(0);
    expect((await home.mcp(['exec', ...args])).code).toBe(0);
    await home.mcp(['daemon', 'stop']);
    const whole = join(home.folder, 'whole');
    renameSync(folder(), whole);
    renameSync(earlier, folder());
    chmodSync(folder(), 0o700);
    for (const name of readdirSync(folder())) chmodSync(join(folder(), name), 0o600);
    expect((await unlock()).code).toBe(0);
    expect((await verify()).code).toBe(1);
    await home.mcp(['daemon', 'restart']);
    expect((await unlock()).code).toBe(0);
    expect((await verify()).code).toBe(1);
  });
});

describe('the files of the log', () => {
  test('are searched, counted and exported without the daemon', async () => {
    await home.mcp(['daemon', 'stop']);
    const found = await home.mcp([
      'audit',
      'search',
      '--event',
      'launch',
      '--server',
      'one',
      '--json',
    ]);
    expect(JSON.parse(found.stdout)).toMatchObject({ event: 'launch', server: 'one' });
    const stats = await home.mcp(['audit', 'stats', '--json']);
    expect(JSON.parse(stats.stdout)).toMatchObject({ events: { set: { allowed: 1 } } });
    const csv = await home.mcp(['audit', 'export', '--format', 'csv', '--event', 'set']);
    expect(csv.stdout.split('\r\n')).toHaveLength(3);
    expect((await home.mcp(['daemon', 'status'])).code).toBe(69);
  });
});
