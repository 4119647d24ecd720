import { createHmac } from 'node:crypto';

/** 32 bytes that are lent for the time of a call, such as a slice of locked memory. */
export interface MacKey {
  use<T>(action: (bytes: Uint8Array) => T): T;
  wipe(): void;
}

/** HMAC-SHA-256, hex. */
export function macOf(key: MacKey, text: string | Uint8Array): string {
  return key.use((bytes) => createHmac('sha256', bytes).update(text).digest('hex'));
}
