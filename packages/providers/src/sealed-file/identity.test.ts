import { armor, Encrypter } from 'age-encryption';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BrokerError } from '../errors.ts';
import { importScalar, recipientOf, seal } from './age.ts';
import { createIdentityFile, openIdentityFile } from './identity.ts';
import { encodeIdentity } from './key.ts';

const folder = mkdtempSync(join(tmpdir(), 'sealed-file-identity-'));
const sealed = join(folder, 'identity.age');
const passphrase = Buffer.from('correct horse');
let scalar: Uint8Array = new Uint8Array();

beforeAll(async () => {
  scalar = await createIdentityFile(sealed, passphrase);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function write(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
}

async function failure(path: string, words?: string): Promise<BrokerError> {
  const error: unknown = await openIdentityFile(
    path,
    words === undefined ? undefined : Buffer.from(words),
  ).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof BrokerError)) throw new Error(`not an error of ours: ${inspect(error)}`);
  return error;
}

/** What the library's own writer makes of a text, cheap to open. */
async function sealText(text: string, workFactor = 10): Promise<Uint8Array> {
  const encrypter = new Encrypter();
  encrypter.setScryptWorkFactor(workFactor);
  encrypter.setPassphrase(passphrase.toString());
  return encrypter.encrypt(text);
}

test('the file is 0600, says its work factor, and holds no key in the clear', () => {
  expect(statSync(sealed).mode & 0o777).toBe(0o600);
  const text = readFileSync(sealed, 'latin1');
  expect(text).toMatch(/^age-encryption\.org\/v1\n-> scrypt [A-Za-z0-9+/]{22} 18\n/);
  expect(text).not.toContain(encodeIdentity(scalar).toString());
  expect(scalar).toHaveLength(32);
});

test('it opens with its passphrase, again and at the same time, and leaves the passphrase as it was', async () => {
  const [one, two] = await Promise.all([
    openIdentityFile(sealed, passphrase),
    openIdentityFile(sealed, passphrase),
  ]);
  expect([one, two]).toEqual([scalar, scalar]);
  expect(passphrase.toString()).toBe('correct horse');
});

test('a wrong passphrase is told apart from a damaged file', async () => {
  expect(await failure(sealed, 'wrong horse')).toMatchObject({
    code: 'ERR_PASSPHRASE',
    message: `the passphrase of ${sealed} is wrong`,
    hint: 'mcp unlock',
  });
  const bytes = readFileSync(sealed);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  expect(await failure(write('flipped.age', bytes), 'correct horse')).toMatchObject({
    code: 'ERR_CORRUPT',
    message: `identity file ${join(folder, 'flipped.age')} is damaged`,
  });
  expect((await failure(write('cut.age', bytes.subarray(0, -20)), 'correct horse')).code).toBe(
    'ERR_CORRUPT',
  );
  expect((await failure(write('header.age', bytes.subarray(0, 40)), 'correct horse')).code).toBe(
    'ERR_CORRUPT',
  );
  expect((await failure(write('empty.age', ''), 'correct horse')).code).toBe('ERR_CORRUPT');
});

test('an identity is never replaced', async () => {
  const before = readFileSync(sealed);
  await expect(createIdentityFile(sealed, passphrase)).rejects.toMatchObject({
    code: 'ERR_USAGE',
    message: `identity file ${sealed} exists`,
  });
  expect(readFileSync(sealed)).toEqual(before);
  expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
});

test('an empty passphrase is refused', async () => {
  await expect(createIdentityFile(join(folder, 'new.age'), Buffer.alloc(0))).rejects.toMatchObject({
    code: 'ERR_USAGE',
    message: 'the passphrase is empty',
  });
  expect((await failure(sealed, '')).code).toBe('ERR_USAGE');
  expect(readdirSync(folder)).not.toContain('new.age');
});

test('a passphrase may be any bytes', async () => {
  const path = join(folder, 'binary.age');
  const bytes = Buffer.from([0xff, 0x00, 0xc3]);
  const made = await createIdentityFile(path, bytes);
  expect(await openIdentityFile(path, bytes)).toEqual(made);
});

test('a file that is not there is told with what to do', async () => {
  const path = join(folder, 'absent');
  expect(await failure(path, 'x')).toMatchObject({ code: 'ERR_NO_HOME', hint: 'mcp init' });
  expect(await failure(path)).toMatchObject({
    code: 'ERR_NOT_FOUND',
    hint: `age-keygen -o ${path}`,
  });
});

test("the library's files open, armored too", async () => {
  const binary = await sealText(`# comment\n${encodeIdentity(scalar).toString()}\n`);
  expect(await openIdentityFile(write('theirs.age', binary), passphrase)).toEqual(scalar);
  const text = `\n${armor.encode(binary)}`;
  expect(await openIdentityFile(write('armored.age', text), passphrase)).toEqual(scalar);
});

test.each([21, 30, 64, 9999])('a work factor of %i is answered at once', async (factor) => {
  const text = (await sealText('x')).subarray();
  const hostile = Buffer.from(text)
    .toString('latin1')
    .replace(/^(-> scrypt \S+) 10$/m, `$1 ${factor}`);
  const error = await failure(
    write('hostile.age', Buffer.from(hostile, 'latin1')),
    'correct horse',
  );
  expect(error.code).toBe('ERR_CORRUPT');
  expect(error.message).toMatch(/asks for a scrypt work factor above 20$/);
});

test('what opens and is no identity is refused without a word of it', async () => {
  const canary = 'AGE-SECRET-KEY-1CANARY';
  const key = encodeIdentity(scalar).toString();
  const recipient = await recipientOf(importScalar(randomBytes(32)));
  const files: [file: string, words: string | undefined, problem: RegExp][] = [
    [write('a', await sealText(canary)), 'correct horse', /does not hold exactly one/],
    [write('b', `${key}\n`), 'correct horse', /is damaged$/],
    [
      write('c', await seal(Buffer.from(key), recipient)),
      'correct horse',
      /is not encrypted with a passphrase$/,
    ],
    [write('d', canary), undefined, /does not hold exactly one/],
    [write('e', await sealText(key)), undefined, /is encrypted$/],
    [write('f', armor.encode(await sealText(key))), undefined, /is encrypted$/],
    [write('g', Buffer.alloc(70_000, canary)), undefined, /is larger than 65536 bytes$/],
  ];
  for (const [file, words, problem] of files) {
    const error = await failure(file, words);
    expect(error.code).toBe('ERR_CORRUPT');
    expect(error.message).toMatch(problem);
    const shown = `${inspect(error, { showHidden: true })}${JSON.stringify(error.toShape())}`;
    expect(shown).not.toMatch(/CANARY/);
    expect(shown).not.toContain(key.slice(20, 40));
  }
});

test('a file that others may read or that is a link is refused', async () => {
  const wide = write('wide', `${encodeIdentity(scalar).toString()}\n`);
  expect(await openIdentityFile(wide)).toEqual(new Uint8Array(scalar));
  chmodSync(wide, 0o640);
  expect(await failure(wide)).toMatchObject({
    code: 'ERR_INSECURE_FILE',
    hint: `chmod 600 ${wide}`,
  });
  const link = join(folder, 'link');
  symlinkSync(sealed, link);
  expect((await failure(link, 'correct horse')).code).toBe('ERR_INSECURE_FILE');
  await expect(createIdentityFile(link, passphrase)).rejects.toMatchObject({
    code: 'ERR_INSECURE_FILE',
  });
});
