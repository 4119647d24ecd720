import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { armor } from 'age-encryption';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BrokerError } from '../errors.ts';
import { importScalar, recipientOf, seal } from './age.ts';
import { createSealedFile, type SealedFileContext } from './sealed-file.ts';

const options = { signal: new AbortController().signal };
const names = ['A', 'B', 'C'];
const times = new Date('2026-01-31T12:00:00Z');
let folder = '';
let file = '';
let scalar = randomBytes(32);
let identity: SealedFileContext['identity'];
let provider: Required<ReturnType<typeof createSealedFile>>;

/** A file of three secrets of 60 KB each, so that it has several chunks, all with this letter. */
async function write(letter: string): Promise<void> {
  const value = Buffer.from(letter.repeat(60_000)).toString('base64');
  const secrets = Object.fromEntries(names.map((name) => [name, { value }]));
  const text = Buffer.from(JSON.stringify({ version: 1, secrets }));
  writeFileSync(file, await seal(text, await recipientOf(importScalar(scalar))), { mode: 0o600 });
  utimesSync(file, times, times);
}

async function letters(): Promise<(string | undefined)[]> {
  const secrets = await Promise.all(names.map((path) => provider.get({ path }, options)));
  return secrets.map((secret) => {
    const text = Buffer.from(secret?.bytes ?? []).toString();
    return text === text.charAt(0).repeat(60_000) ? text.charAt(0) : undefined;
  });
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sealed-file-'));
  file = join(folder, 'secrets.age');
  scalar = randomBytes(32);
  identity = { use: (action) => action(scalar) };
  provider = createSealedFile({
    file,
    identity: { use: (action) => identity.use(action) },
    lock: () => Promise.resolve(() => undefined),
    now: () => 0,
  }) as typeof provider;
  await write('x');
  expect(await letters()).toEqual(['x', 'x', 'x']);
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('a file in the place of the one that was read is read anew, though size and times are the same', async () => {
  await write('y');
  expect(await letters()).toEqual(['y', 'y', 'y']);
  writeFileSync(file, armor.encode(readFileSync(file)));
  expect(await letters()).toEqual(['y', 'y', 'y']);
  expect(await letters()).toEqual(['y', 'y', 'y']);
  expect(await provider.list(options)).toHaveLength(3);
});

const locked = new BrokerError('ERR_LOCKED', 'the sealed file is locked', { hint: 'mcp unlock' });
const changes: [what: string, code: string, change: () => void][] = [
  ['the file is locked', 'ERR_LOCKED', () => (identity = { use: () => fail(locked) })],
  [
    'the identity is another',
    'ERR_CORRUPT',
    () => (identity = { use: (action) => action(randomBytes(32)) }),
  ],
  ['a byte of it has changed', 'ERR_CORRUPT', () => flipByte()],
  ['it has gone', 'ERR_NO_HOME', () => rmSync(file)],
];
test.each(changes)('a file that was read gives nothing once %s', async (_what, code, change) => {
  change();
  const calls = [
    provider.list(options),
    provider.get({ path: 'A' }, options),
    provider.get({ path: 'MISSING' }, options),
  ];
  for (const call of calls) await expect(call).rejects.toMatchObject({ code });
});

function fail(error: Error): never {
  throw error;
}

function flipByte(): void {
  const bytes = readFileSync(file);
  bytes[bytes.length - 100_000] = (bytes[bytes.length - 100_000] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}
