import { createHmac } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BrokerError } from '@mcp-broker/providers/errors';
import type { Keyring } from '../keys/keyring.ts';
import { createVault } from '../memory.ts';
import type { OwnItems } from '../keys/own-items.ts';
import { fakeClock, type FakeClock } from '../testing/fake-clock.ts';
import type { AuditEvent, AuditLog } from './event.ts';
import { createAuditKeys, type AuditKeys } from './keys.ts';
import { openAuditLog } from './log.ts';

const event: AuditEvent = { event: 'launch', outcome: 'allowed' };
const key = Buffer.alloc(32, 9);

let home: string;
let log: AuditLog;
let keys: AuditKeys;
let clock: FakeClock;
let items: Map<string, Buffer>;
let reported: string[];
let forged: number;
/** What asking for an own item does besides. */
let onGet: () => void;
const keyring = { unlocked: true, epoch: 0, derive: () => Buffer.from(key) };

async function start(state = home): Promise<void> {
  log = await openAuditLog(join(home, 'audit'), clock.now, { onForged: () => (forged += 1) });
  const own: OwnItems = {
    where: 'own.age',
    async get(name) {
      onGet();
      return items.get(name);
    },
    async put(name, bytes) {
      items.set(name, Buffer.from(bytes));
    },
  };
  keys = createAuditKeys({
    audit: log,
    keyring: keyring as unknown as Keyring,
    vault: createVault(),
    own,
    clock,
    paths: { home, state },
    report: (line) => reported.push(line),
  });
}

beforeEach(async () => {
  home = fs.mkdtempSync(join(tmpdir(), 'audit-'));
  clock = fakeClock();
  items = new Map();
  reported = [];
  forged = 0;
  onGet = () => {};
  Object.assign(keyring, { unlocked: true, epoch: 0 });
  await start();
});
afterEach(async () => {
  await log.close();
  fs.rmSync(home, { recursive: true });
});

const lines = (): string[] =>
  fs
    .readFileSync(join(home, 'audit', 'current.jsonl'), 'utf8')
    .split('\n')
    .slice(0, -1);

test('a MAC is HMAC-SHA-256 of the line up to the MAC, with the key audit/v1', async () => {
  await keys.attach();
  await log.append(event);
  const [line = ''] = lines();
  const mac = createHmac('sha256', key)
    .update(line.split(',"mac":')[0] ?? '')
    .digest('hex');
  expect(line.endsWith(`,"mac":"${mac}"}`)).toBe(true);
});

test('a lock that comes before the key is there leaves lines without a MAC', async () => {
  onGet = () => {
    keyring.epoch += 1;
  };
  await keys.attach();
  await log.append(event);
  expect(lines()[0]).not.toContain('"mac"');
});

test('the newest line is kept apart at once, and again within a minute of a later one', async () => {
  await keys.attach();
  await log.append(event);
  await keys.keep();
  expect(await keys.kept()).toMatchObject({ seq: 1 });
  await log.append(event);
  clock.pass(60_000);
  await expect.poll(() => keys.kept()).toMatchObject({ seq: 2 });
  keyring.unlocked = false;
  clock.pass(60_000);
  await expect.poll(() => clock.timers).toBe(0);
});

test('each environment keeps its own', async () => {
  await log.close();
  await start(join(home, 'env', '0123456789ab'));
  await keys.attach();
  await log.append(event);
  await keys.keep();
  expect([...items.keys()]).toEqual(['audit_0123456789ab']);
});

test('a log of an earlier day, its head included, breaks the chain with the next unlock', async () => {
  const copy = join(home, 'copy');
  await keys.attach();
  await log.append(event);
  await log.close();
  fs.cpSync(join(home, 'audit'), copy, { recursive: true });
  await start();
  await keys.attach();
  await log.append(event);
  await keys.keep();
  await log.close();
  expect(forged).toBe(0);
  fs.rmSync(join(home, 'audit'), { recursive: true });
  fs.renameSync(copy, join(home, 'audit'));
  fs.chmodSync(join(home, 'audit'), 0o700);
  await start();
  await keys.attach();
  await log.append(event);
  expect(forged).toBe(1);
  expect(lines().map((line) => (JSON.parse(line) as { seq: number }).seq)).toEqual([1, 3]);
});

test('an own.age that cannot be read is told of, and lines have their MACs all the same', async () => {
  onGet = () => {
    throw new BrokerError('ERR_CORRUPT', 'own.age is damaged', { hint: 'restore it' });
  };
  await keys.attach();
  await log.append(event);
  expect(reported).toEqual([expect.stringContaining('own.age is damaged')]);
  expect(lines()[0]).toContain('"mac"');
});
