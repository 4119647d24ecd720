import { hash } from 'node:crypto';

/** 32 bytes that are lent for the time of a call, such as a slice of locked memory. */
export interface MacKey {
  use<T>(action: (bytes: Uint8Array) => T): T;
  wipe(): void;
}

const blockSize = 64;

/**
 * HMAC-SHA-256, hex. By hand from its two hashes: `createHmac` makes a key object of its own each time,
 * which takes five times as long and leaves copies of the key for the collector.
 */
export function macOf(key: MacKey, text: string | Uint8Array): string {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  const inner = hashAfter(key, 0x36, bytes, 'buffer');
  return hashAfter(key, 0x5c, inner, 'hex');
}

function hashAfter(key: MacKey, pad: number, bytes: Uint8Array, encoding: 'buffer'): Buffer;
function hashAfter(key: MacKey, pad: number, bytes: Uint8Array, encoding: 'hex'): string;
function hashAfter(
  key: MacKey,
  pad: number,
  bytes: Uint8Array,
  encoding: 'buffer' | 'hex',
): Buffer | string {
  const block = Buffer.allocUnsafe(blockSize + bytes.length);
  try {
    block.fill(pad, 0, blockSize);
    key.use((secret) => {
      for (const [index, byte] of secret.entries()) block[index] = byte ^ pad;
    });
    block.set(bytes, blockSize);
    return hash('sha256', block, encoding);
  } finally {
    block.fill(0, 0, blockSize);
  }
}
