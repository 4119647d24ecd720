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

/** A file of several chunks: three secrets that have this letter so many times, and 150,000 times in all. */
async function write(letter: string, ...lengths: readonly number[]): Promise<void> {
  const secrets = Object.fromEntries(
    names.map((name, index) => {
      const value = Buffer.from(letter.repeat(lengths[index] ?? 0)).toString('base64');
      return [name, { value }];
    }),
  );
  const text = Buffer.from(JSON.stringify({ version: 1, secrets }));
  writeFileSync(file, await seal(text, await recipientOf(importScalar(scalar))), { mode: 0o600 });
  utimesSync(file, times, times);
}

async function read(): Promise<(string | undefined)[]> {
  const secrets = await Promise.all(names.map((path) => provider.get({ path }, options)));
  return secrets.map((secret) => {
    const text = Buffer.from(secret?.bytes ?? []).toString();
    const letter = text.charAt(0);
    return text === letter.repeat(text.length) ? `${letter} ${text.length}` : undefined;
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
  await write('x', 90_000, 30_000, 30_000);
  expect(await read()).toEqual(['x 90000', 'x 30000', 'x 30000']);
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('a file in the place of the one that was read is read anew, though size and times are the same', async () => {
  await write('y', 30_000, 30_000, 90_000);
  const expected = ['y 30000', 'y 30000', 'y 90000'];
  expect(await read()).toEqual(expected);
  writeFileSync(file, armor.encode(readFileSync(file)));
  expect(await read()).toEqual(expected);
  expect(await read()).toEqual(expected);
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

test('where there is none, as in a home on the keychain, it says how to make one', async () => {
  rmSync(file);
  await expect(provider.list(options)).rejects.toMatchObject({ hint: 'mcp init --backend sealed' });
});

test.each(changes)('a file that was read gives nothing once %s', async (_what, code, change) => {
  change();
  const calls = [
    provider.list(options),
    provider.get({ path: 'A' }, options),
    provider.get({ path: 'MISSING' }, options),
  ];
  const refused = { status: 'rejected', reason: expect.objectContaining({ code }) as unknown };
  expect(await Promise.allSettled(calls)).toEqual(calls.map(() => refused));
});

function fail(error: Error): never {
  throw error;
}

function flipByte(): void {
  const bytes = readFileSync(file);
  bytes[bytes.length - 100_000] = (bytes[bytes.length - 100_000] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}
