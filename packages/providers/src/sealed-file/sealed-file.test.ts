import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { importScalar, recipientOf, seal, unseal } from './age.ts';
import { createSealedFile, createSecretsFile, type SealedFileContext } from './sealed-file.ts';

const { signal } = new AbortController();
const options = { signal };
const scalar = randomBytes(32);
const identity: SealedFileContext['identity'] = { use: (action) => action(scalar) };
let folder = '';
let file = '';
let now = 0;
let locks: string[] = [];

function create(
  context: Partial<SealedFileContext> = {},
): Required<ReturnType<typeof createSealedFile>> {
  const provider = createSealedFile({
    file,
    identity,
    lock: (path) => {
      locks.push(`lock ${path}`);
      return Promise.resolve(() => locks.push('unlock'));
    },
    now: () => now,
    ...context,
  });
  return provider as Required<typeof provider>;
}

async function plaintext(): Promise<string> {
  return (await unseal(readFileSync(file), importScalar(scalar))).toString();
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sealed-file-'));
  file = join(folder, 'secrets.age');
  now = Date.parse('2026-01-31T12:00:00Z');
  locks = [];
  await createSecretsFile(file, identity);
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('a new file is empty and 0600, and an old one stays', async () => {
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const before = readFileSync(file);
  expect(await createSecretsFile(file, identity)).toBe(false);
  expect(readFileSync(file)).toEqual(before);
});

test('versions count from 1, and times say when', async () => {
  const provider = create();
  const created = '2026-01-31T12:00:00.000Z';
  const first = await provider.put({ path: 'A' }, Buffer.from('one'), options);
  expect(first).toEqual({ version: '1', created, updated: created });
  now += 1000;
  const second = await provider.put({ path: 'A' }, Buffer.from('two'), options);
  expect(second).toEqual({ version: '2', created, updated: '2026-01-31T12:00:01.000Z' });
  expect(await provider.list(options)).toEqual([{ name: 'A', ...second }]);
});

test('the value that is there already changes nothing', async () => {
  const provider = create();
  const first = await provider.put({ path: 'A' }, Buffer.from('one'), options);
  const before = readFileSync(file);
  now += 1000;
  expect(await provider.put({ path: 'A' }, Buffer.from('one'), options)).toEqual(first);
  expect(readFileSync(file)).toEqual(before);
});

test('a version finds the value only while it is the current one', async () => {
  const provider = create();
  await provider.put({ path: 'A' }, Buffer.from('one'), options);
  await provider.put({ path: 'A' }, Buffer.from('two'), options);
  const found = await Promise.all(
    ['1', '2', '3', '02', 'latest'].map((version) => provider.get({ path: 'A', version }, options)),
  );
  expect(found.map((secret) => secret?.info.version)).toEqual([
    undefined,
    '2',
    undefined,
    undefined,
    undefined,
  ]);
  expect(await provider.delete({ path: 'A', version: '1' }, options)).toBe(false);
  expect(await provider.delete({ path: 'A', version: '2' }, options)).toBe(true);
});

test.each([
  [{ path: 'A', field: 'user' }, 'cannot hold A#user: items have no fields'],
  [{ path: 'a/b' }, 'cannot hold a/b: a name is letters, digits and _'],
  [{ path: '1A' }, 'cannot hold 1A: a name is letters, digits and _'],
  [{ path: '\u001B[2J' }, 'cannot hold the name: a name is letters, digits and _'],
])('%j is refused', async (locator, problem) => {
  const provider = create();
  for (const call of [
    provider.get(locator, options),
    provider.put(locator, Buffer.from('x'), options),
    provider.delete(locator, options),
  ]) {
    await expect(call).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message: `the sealed file ${problem}`,
    });
  }
});

test('a version cannot be chosen', async () => {
  const call = create().put({ path: 'A', version: '7' }, Buffer.from('x'), options);
  await expect(call).rejects.toMatchObject({ code: 'ERR_CONFIG' });
});

test('what a person wrote by hand is kept, and counted on', async () => {
  const text =
    '{"version":1,"note":"mine","secrets":{"A":{"value":"b25l","owner":"me"},"B":{"value":""}}}';
  const key = await recipientOf(importScalar(scalar));
  writeFileSync(file, await seal(Buffer.from(text), key));
  const provider = create();
  expect((await provider.get({ path: 'A' }, options))?.info).toEqual({ version: '1' });
  expect(await provider.put({ path: 'A' }, Buffer.from('two'), options)).toMatchObject({
    version: '2',
  });
  expect(JSON.parse(await plaintext())).toEqual({
    version: 1,
    note: 'mine',
    secrets: {
      A: { value: 'dHdv', owner: 'me', version: 2, updated: '2026-01-31T12:00:00.000Z' },
      B: { value: '' },
    },
  });
});

test('each change holds the lock file, a failed one too, and reads take none', async () => {
  const provider = create();
  await provider.get({ path: 'A' }, options);
  await provider.list(options);
  expect(locks).toEqual([]);
  await provider.put({ path: 'A' }, Buffer.from('x'), options);
  await provider.delete({ path: 'A' }, options);
  rmSync(file);
  await provider.put({ path: 'A' }, Buffer.from('x'), options).catch(() => undefined);
  const pair = [`lock ${file}.lock`, 'unlock'];
  expect(locks).toEqual([...pair, ...pair, ...pair]);
});

test('a lock that fails is an error of ours, and the next change goes on', async () => {
  let broken = true;
  const provider = create({
    lock: () => (broken ? Promise.reject(new Error('canary')) : Promise.resolve(() => undefined)),
  });
  const call = provider.put({ path: 'A' }, Buffer.from('x'), options);
  await expect(call).rejects.toMatchObject({ code: 'ERR_INTERNAL', message: 'internal error' });
  broken = false;
  await expect(provider.put({ path: 'A' }, Buffer.from('x'), options)).resolves.toBeDefined();
});

test('a file that others may read, or that is a link, is refused', async () => {
  const provider = create();
  chmodSync(file, 0o644);
  await expect(provider.check(options)).rejects.toMatchObject({
    code: 'ERR_INSECURE_FILE',
    message: `sealed file ${file} has mode 0644`,
    hint: `chmod 600 ${file}`,
  });
  chmodSync(file, 0o600);
  const link = join(folder, 'link.age');
  symlinkSync(file, link);
  await expect(create({ file: link }).check(options)).rejects.toMatchObject({
    code: 'ERR_INSECURE_FILE',
  });
});

test('a file with any one byte changed, or cut anywhere, is damaged', async () => {
  await create().put({ path: 'A' }, Buffer.from('value'), options);
  const whole = readFileSync(file);
  const key = importScalar(scalar);
  for (let at = 0; at < whole.length; at += 1) {
    const changed = Buffer.from(whole);
    changed[at] = (changed[at] ?? 0) ^ 0x01;
    await expect(unseal(changed, key)).rejects.toThrow(
      /^(damaged|no stanza is for this identity)$/,
    );
    await expect(unseal(whole.subarray(0, at), key)).rejects.toThrow('damaged');
  }
});

test('a file for another identity is told apart from a damaged one', async () => {
  const other = create({ identity: { use: (action) => action(randomBytes(32)) } });
  await expect(other.check(options)).rejects.toMatchObject({
    code: 'ERR_CORRUPT',
    message: `sealed file ${file} is encrypted for another identity`,
  });
});

test('a value that would make the file too large is refused, and the old file stays', async () => {
  const provider = create();
  await provider.put({ path: 'A' }, Buffer.from('small'), options);
  const call = provider.put({ path: 'B' }, Buffer.alloc(25 * 1024 * 1024), options);
  await expect(call).rejects.toMatchObject({ code: 'ERR_VALUE' });
  expect((await provider.list(options)).map((item) => item.name)).toEqual(['A']);
});

test('changes through several providers of one file lose nothing while the lock holds', async () => {
  let last: Promise<unknown> = Promise.resolve();
  const lock = async (): Promise<() => void> => {
    const before = last;
    const { promise, resolve } = Promise.withResolvers<void>();
    last = promise;
    await before;
    return resolve;
  };
  const names = Array.from({ length: 40 }, (_, index) => `N${index}`);
  const one = create({ lock });
  const other = create({ lock });
  await Promise.all(
    names.map((path, index) =>
      (index % 2 === 0 ? one : other).put({ path }, Buffer.from(path), options),
    ),
  );
  expect(await create().list(options)).toHaveLength(40);
});
