import { createCipheriv, hkdfSync } from 'node:crypto';
import { secretBytes } from '../secret-bytes.ts';

/**
 * age's payload (C2SP age.md, "Payload"; STREAM), encrypted here and not by the library, which copies
 * the plaintext into a buffer of its own that nobody can wipe.
 */

const chunkLength = 64 * 1024;
const tagLength = 16;
const nonceLength = 12;

/** What follows header and nonce in the file. */
export function encryptPayload(
  plaintext: Uint8Array,
  fileKey: Uint8Array,
  nonce: Uint8Array,
): Buffer[] {
  const key = Buffer.from(hkdfSync('sha256', fileKey, nonce, 'payload', 32));
  const counter = secretBytes(nonceLength);
  const pieces: Buffer[] = [];
  try {
    for (let at = 0, index = 0; ; at += chunkLength, index += 1) {
      const isLast = at + chunkLength >= plaintext.length;
      // Eleven bytes of a big-endian counter, of which our files need four, and a flag on the last chunk.
      counter.writeUInt32BE(index, nonceLength - 5);
      counter[nonceLength - 1] = isLast ? 1 : 0;
      const cipher = createCipheriv('chacha20-poly1305', key, counter, {
        authTagLength: tagLength,
      });
      const chunk = plaintext.subarray(at, at + chunkLength);
      pieces.push(cipher.update(chunk), cipher.final(), cipher.getAuthTag());
      if (isLast) return pieces;
    }
  } finally {
    key.fill(0);
  }
}
