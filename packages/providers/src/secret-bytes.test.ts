import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { copySecret, joinSecrets, secretBytes } from './secret-bytes.ts';

test('a copy and a whole have memory of their own', () => {
  const source = Buffer.from('secret');
  const copy = copySecret(source);
  const whole = joinSecrets([source, secretBytes(1), copy]);
  source.fill(0);
  expect(copy.toString()).toBe('secret');
  expect(whole.toString()).toBe('secret\0secret');
  for (const bytes of [copy, whole]) expect(bytes.buffer.byteLength).toBe(bytes.length);
});

/** Where values, passphrases and keys pass as bytes. */
const files = [
  'cli/src/input/descriptor.ts',
  'daemon/src/client/connection.ts',
  'daemon/src/handlers/launch-values.ts',
  'daemon/src/handlers/reveal.ts',
  'daemon/src/keys/held-key.ts',
  'daemon/src/keys/keychain-home.ts',
  'daemon/src/keys/own-items.ts',
  'daemon/src/keys/sealed-binding.ts',
  'daemon/src/protocol/framing.ts',
  'providers/src/command/command.ts',
  'providers/src/command/run-tool.ts',
  'providers/src/keychain/access.ts',
  'providers/src/keychain/frames.ts',
  'providers/src/keychain/keychain.ts',
  'providers/src/keychain/worker.ts',
  'providers/src/safe-open.ts',
  'providers/src/secret.ts',
  'providers/src/sealed-file/age.ts',
  'providers/src/sealed-file/base64.ts',
  'providers/src/sealed-file/document.ts',
  'providers/src/sealed-file/identity.ts',
  'providers/src/sealed-file/key.ts',
  'providers/src/sealed-file/scan.ts',
  'providers/src/sealed-file/scrypt.ts',
  'providers/src/sealed-file/sealed-file.ts',
  'providers/src/sealed-file/open-own.ts',
  'providers/src/sealed-file/stream.ts',
  'providers/src/sealed-file/worker.ts',
];
/** What makes memory on V8's heap, or in a pool that others share. */
const forbidden =
  /Buffer\.(?:alloc\w*|concat|copyBytesFrom)\(|new \w+Array\((?!secretBytes)|\w+Array\.(?:from|of)\(|\.slice\(\)/u;

test.each(files)('%s takes memory for secrets from here alone', (file) => {
  const lines = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8').split('\n');
  expect(lines.filter((line) => forbidden.test(line))).toEqual([]);
});
