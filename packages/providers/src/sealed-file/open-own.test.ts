import { randomBytes } from 'node:crypto';
import { generateX25519Identity, identityToRecipient, Encrypter } from 'age-encryption';
import { expect, test } from 'vitest';
import { importScalar, recipientOf, seal, unseal } from './age.ts';
import { decodeIdentity } from './key.ts';
import { openOwn } from './open-own.ts';

const scalar = randomBytes(32);
const chunk = 64 * 1024;

async function sealed(plaintext: Uint8Array): Promise<Buffer> {
  return seal(plaintext, await recipientOf(importScalar(scalar)));
}

test.each([0, 1, 16, 1000, chunk - 1, chunk, chunk + 1, 2 * chunk, 3 * chunk + 7])(
  'what we seal of %i bytes opens',
  async (length) => {
    const plaintext = randomBytes(length);
    expect(openOwn(await sealed(plaintext), scalar)?.equals(plaintext)).toBe(true);
  },
);

test('what the library seals opens', async () => {
  const identity = await generateX25519Identity();
  const key = decodeIdentity(Buffer.from(identity)) ?? new Uint8Array();
  const encrypter = new Encrypter();
  encrypter.addRecipient(await identityToRecipient(identity));
  const file = await encrypter.encrypt(randomBytes(chunk + 5));
  expect(openOwn(file, key)?.equals(await unseal(file, importScalar(key)))).toBe(true);
});

test('a file with another stanza beside ours is left to the library', async () => {
  const encrypter = new Encrypter();
  encrypter.addRecipient(await identityToRecipient(await generateX25519Identity()));
  encrypter.addRecipient(await recipientOf(importScalar(scalar)));
  const file = await encrypter.encrypt(Buffer.from('x'));
  expect(openOwn(file, scalar)).toBeUndefined();
  expect((await unseal(file, importScalar(scalar))).toString()).toBe('x');
});

test('another key opens nothing', async () => {
  expect(openOwn(await sealed(Buffer.from('x')), randomBytes(32))).toBeUndefined();
});

test('no changed, cut or lengthened file opens, at any place', async () => {
  const small = await sealed(Buffer.from('plain text'));
  for (let at = 0; at < small.length; at += 1) {
    for (const bit of [1, 32]) {
      const changed = Buffer.from(small);
      changed[at] = (changed[at] ?? 0) ^ bit;
      expect(openOwn(changed, scalar), `bit ${bit} of byte ${at}`).toBeUndefined();
    }
    expect(openOwn(small.subarray(0, at), scalar), `cut at ${at}`).toBeUndefined();
  }
  expect(openOwn(Buffer.concat([small, Buffer.from('x')]), scalar)).toBeUndefined();
});

test('chunks do not change places, go or come again', async () => {
  const start = (await sealed(Buffer.alloc(0))).length - 16;
  const file = await sealed(randomBytes(3 * chunk));
  const pieces = [0, 1, 2].map((index) =>
    file.subarray(start + index * (chunk + 16), start + (index + 1) * (chunk + 16)),
  );
  const [a, b, c] = pieces as [Buffer, Buffer, Buffer];
  for (const order of [[b, a, c], [a, c], [a, b], [a, a, b, c], [a, b, c, c], [c]]) {
    const changed = Buffer.concat([file.subarray(0, start), ...order]);
    expect(openOwn(changed, scalar)).toBeUndefined();
  }
  expect(openOwn(file, scalar)?.length).toBe(3 * chunk);
});

test('a share of low order opens nothing', async () => {
  const file = (await sealed(Buffer.from('x'))).toString('latin1');
  const zero = Buffer.alloc(32).toString('base64').replace('=', '');
  const changed = file.replace(/X25519 [A-Za-z0-9+/]{43}/, `X25519 ${zero}`);
  expect(openOwn(Buffer.from(changed, 'latin1'), scalar)).toBeUndefined();
});

test('a part opens wherever it lies, and past the end there is none', async () => {
  const plaintext = randomBytes(3 * chunk + 7);
  const file = await sealed(plaintext);
  const ends = [0, 1, 100, chunk - 1, chunk, chunk + 1, 2 * chunk, 3 * chunk, plaintext.length];
  for (const from of ends) {
    for (const to of ends.filter((end) => end >= from)) {
      const part = openOwn(file, scalar, { from, to });
      expect(part?.equals(plaintext.subarray(from, to)), `${from} to ${to}`).toBe(true);
    }
  }
  expect(openOwn(file, scalar, { from: 0, to: plaintext.length + 1 })).toBeUndefined();
  expect(openOwn(file, randomBytes(32), { from: 0, to: 0 })).toBeUndefined();
});

test('of a part the chunks that it lies in are opened, and no others', async () => {
  const file = await sealed(randomBytes(3 * chunk));
  file[file.length - 2 * chunk] = (file[file.length - 2 * chunk] ?? 0) ^ 1;
  expect(openOwn(file, scalar, { from: 0, to: chunk })).toHaveLength(chunk);
  expect(openOwn(file, scalar, { from: chunk - 1, to: chunk + 1 })).toBeUndefined();
  expect(openOwn(file, scalar, { from: 2 * chunk, to: 3 * chunk })).toHaveLength(chunk);
});
