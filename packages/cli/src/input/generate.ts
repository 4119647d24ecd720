import { randomFillSync } from 'node:crypto';

const alphabet = Buffer.from('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz');
/** The greatest multiple of 62 in a byte: what lies above would favour the first characters. */
const limit = 256 - (256 % alphabet.length);

/** `length` random characters of base62, each as likely as the next, as bytes that the caller wipes. */
export function generate(length: number): Buffer {
  const value = Buffer.alloc(length);
  const random = Buffer.alloc(64);
  let filled = 0;
  while (filled < length) {
    randomFillSync(random);
    for (const byte of random) {
      if (byte < limit && filled < length) value[filled++] = alphabet[byte % alphabet.length] ?? 0;
    }
  }
  random.fill(0);
  return value;
}
