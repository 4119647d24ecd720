import { hash } from 'node:crypto';
import { secretBytes } from '@mcp-broker/providers/secret-bytes';

/** 32 bytes that are lent for the time of a call, such as a slice of locked memory. */
export interface MacKey {
  use<T>(action: (bytes: Uint8Array) => T): T;
  wipe(): void;
}

const blockSize = 64;
/** Most lines fit in; the key in it is overwritten after each use. */
const room = secretBytes(blockSize + 4096);

/**
 * HMAC-SHA-256, hex. By hand from its two hashes: `createHmac` makes a key object of its own each time,
 * which takes five times as long and leaves copies of the key for the collector.
 */
export function macOf(key: MacKey, text: string | Uint8Array): string {
  const length = blockSize + (typeof text === 'string' ? Buffer.byteLength(text) : text.length);
  const block = length > room.length ? secretBytes(length) : room;
  try {
    if (typeof text === 'string') block.write(text, blockSize);
    else block.set(text, blockSize);
    putKey(key, 0x36, block);
    const inner = hash('sha256', block.subarray(0, length), 'buffer');
    putKey(key, 0x5c, block);
    block.set(inner, blockSize);
    return hash('sha256', block.subarray(0, blockSize + inner.length), 'hex');
  } finally {
    block.fill(0, 0, blockSize);
  }
}

function putKey(key: MacKey, pad: number, block: Buffer): void {
  block.fill(pad, 0, blockSize);
  key.use((secret) => {
    for (let index = 0; index < secret.length; index += 1) {
      block[index] = (secret[index] ?? 0) ^ pad;
    }
  });
}
