/* oxlint-disable vitest/valid-expect -- the second argument says what was looked for */
import { randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getHeapSnapshot } from 'node:v8';
import { expect, test } from 'vitest';
import { encodeBase64 } from './base64.ts';
import { encodeIdentity } from './key.ts';
import { createSealedFile, createSecretsFile, openIdentityFile } from './sealed-file.ts';

/** All strings of this process's heap, as V8 writes them down; the content of buffers is not in it. */
async function heap(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of getHeapSnapshot()) chunks.push(Buffer.from(chunk as string));
  return Buffer.concat(chunks);
}

test(
  'neither a value nor the identity is ever a string of this process',
  { timeout: 60_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sealed-file-memory-'));
    const keyFile = join(folder, 'key.txt');
    const file = join(folder, 'secrets.age');
    const options = { signal: new AbortController().signal };
    const identityText = encodeIdentity(randomFillSync(new Uint8Array(32)));
    // Of characters alone, so that a string of it would be found as it is.
    const value = encodeBase64(randomFillSync(new Uint8Array(24)));
    const control = encodeBase64(randomFillSync(new Uint8Array(24)));
    try {
      writeFileSync(keyFile, identityText, { mode: 0o600 });
      const scalar = await openIdentityFile(keyFile);
      const identity = { use: <T>(action: (bytes: Uint8Array) => T): T => action(scalar) };
      await createSecretsFile(file, identity);
      const provider = createSealedFile({
        file,
        identity,
        lock: () => Promise.resolve(() => undefined),
        now: () => Date.now(),
      });
      await provider.put?.({ path: 'A' }, value, options);
      await provider.put?.({ path: 'B' }, Buffer.from('other'), options);
      await provider.list?.(options);
      const secret = await provider.get({ path: 'A' }, options);
      const held = { secret, string: control.toString() };

      const strings = await heap();
      expect(strings.includes(control), 'the control, which is a string').toBe(true);
      expect(strings.includes(value), 'the value').toBe(false);
      expect(strings.includes(encodeBase64(value)), 'the value in base64').toBe(false);
      expect(strings.includes(identityText), 'the identity').toBe(false);
      expect(Buffer.from(held.secret?.bytes ?? [])).toEqual(value);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
