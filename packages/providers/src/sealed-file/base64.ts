import { secretBytes } from '../secret-bytes.ts';

/**
 * Standard base64 (RFC 4648, section 4) from bytes to bytes. Node's own works on strings, which
 * cannot be wiped.
 */

const alphabet = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
const padding = 0x3d;
const none = 0xff;

const digits = secretBytes(256).fill(none);
for (const [digit, byte] of alphabet.entries()) digits[byte] = digit;

/** Gives ASCII bytes, padded. */
export function encodeBase64(bytes: Uint8Array): Buffer {
  const text = secretBytes(Math.ceil(bytes.length / 3) * 4);
  let to = 0;
  for (let from = 0; from < bytes.length; from += 3) {
    const left = bytes.length - from;
    const group = (at(bytes, from) << 16) | (at(bytes, from + 1) << 8) | at(bytes, from + 2);
    text[to] = at(alphabet, group >> 18);
    text[to + 1] = at(alphabet, (group >> 12) & 63);
    text[to + 2] = left > 1 ? at(alphabet, (group >> 6) & 63) : padding;
    text[to + 3] = left > 2 ? at(alphabet, group & 63) : padding;
    to += 4;
  }
  return text;
}

/** Whether `decodeBase64` takes it: whole groups, padded, no stray bits, nothing in between. */
export function isBase64(text: Uint8Array): boolean {
  if (text.length % 4 !== 0) return false;
  const length = unpaddedLength(text);
  for (let index = 0; index < length; index += 1) {
    if (at(digits, at(text, index)) === none) return false;
  }
  const last = at(digits, at(text, length - 1));
  const stray = [0, none, 0b1111, 0b11][length % 4] ?? 0;
  return length === 0 || (last & stray) === 0;
}

/** The bytes that base64 checked by `isBase64` stands for, in memory of their own. */
export function decodeBase64(text: Uint8Array): Buffer {
  const length = unpaddedLength(text);
  const bytes = secretBytes(Math.floor((length * 3) / 4));
  let bits = 0;
  let group = 0;
  let to = 0;
  for (let index = 0; index < length; index += 1) {
    group = ((group << 6) | at(digits, at(text, index))) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes[to] = group >> bits;
    to += 1;
  }
  return bytes;
}

function unpaddedLength(text: Uint8Array): number {
  let length = text.length;
  while (length > 0 && length > text.length - 2 && text[length - 1] === padding) length -= 1;
  return length;
}

/** Past the end there is nothing but zero bits. */
function at(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0;
}
