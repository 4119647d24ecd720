import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { importScalar, recipientOf } from './age.ts';
import { decodeIdentity, encodeIdentity, parseIdentityText } from './key.ts';

const scalar = randomBytes(32);
const key = encodeIdentity(scalar).toString();

test('a key of the library is read to the same scalar, and written to the same text', async () => {
  for (let count = 0; count < 50; count += 1) {
    const theirs = await generateX25519Identity();
    const ours = decodeIdentity(Buffer.from(theirs));
    if (ours === undefined) throw new Error('not read');
    expect(await recipientOf(importScalar(ours))).toBe(await identityToRecipient(theirs));
    expect(encodeIdentity(ours).toString()).toBe(theirs);
  }
});

test('a key with any one character changed is refused', () => {
  for (let at = 0; at < key.length; at += 1) {
    for (const other of ['q', 'Q', 'P', '1', 'B', ' ', '\u00E9']) {
      if (key[at] === other) continue;
      const changed = Buffer.from(key, 'latin1');
      changed.write(other, at, 'latin1');
      expect(decodeIdentity(changed), `${other} at ${at}`).toBeUndefined();
    }
  }
});

test.each([
  ['nothing', ''],
  ['a key in lower case', key.toLowerCase()],
  ['a key that is cut', key.slice(0, -1)],
  ['a key that goes on', `${key}Q`],
  ['a recipient', 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p'],
])('%s is no key', (_what, text) => {
  expect(decodeIdentity(Buffer.from(text))).toBeUndefined();
});

test.each([
  ['as age-keygen writes it', `# created: now\n# public key: age1\n${key}\n`],
  ['without a line end', key],
  ['with line ends of Windows', `# created\r\n\r\n${key}\r\n`],
  ['with a comment behind', `${key}\n# the end`],
])('an identity file %s is read', (_how, text) => {
  expect(parseIdentityText(Buffer.from(text))).toEqual(new Uint8Array(scalar));
});

test.each([
  ['without a key', '# nothing\n'],
  ['with two keys', `${key}\n${key}\n`],
  ['with a key of another kind', `AGE-SECRET-KEY-PQ-1${key.slice(16)}\n`],
  ['with something else', `${key}\nhello\n`],
])('an identity file %s is refused', (_how, text) => {
  expect(parseIdentityText(Buffer.from(text))).toBeUndefined();
});
