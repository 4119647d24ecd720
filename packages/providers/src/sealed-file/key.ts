import { secretBytes } from '../secret-bytes.ts';

/**
 * `AGE-SECRET-KEY-1…`: an X25519 scalar in bech32 (BIP 173), from bytes to bytes. Text would be a
 * string, which cannot be wiped.
 */

const prefix = Buffer.from('age-secret-key-');
const alphabet = Buffer.from('qpzry9x8gf2tvdw0s3jn54khce6mua7l');
const generators = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3] as const;
const scalarLength = 32;
const wordCount = 52;
const checksumLength = 6;
const keyLength = prefix.length + 1 + wordCount + checksumLength;

const words = secretBytes(256).fill(0xff);
for (const [word, byte] of alphabet.entries()) words[byte] = word;

/** Gives the upper-case ASCII bytes of the key, without a line end. */
export function encodeIdentity(scalar: Uint8Array): Buffer {
  const data = secretBytes(wordCount);
  regroup(scalar, 8, data, 5);
  const key = secretBytes(keyLength);
  prefix.copy(key);
  key[prefix.length] = 0x31;
  const sum = checksum(data) ^ 1;
  for (const [index, word] of data.entries()) {
    key[prefix.length + 1 + index] = alphabet[word] ?? 0;
  }
  for (let index = 0; index < checksumLength; index += 1) {
    key[keyLength - checksumLength + index] = alphabet[(sum >> (5 * (5 - index))) & 31] ?? 0;
  }
  data.fill(0);
  for (const [index, byte] of key.entries()) if (byte >= 0x61) key[index] = byte - 0x20;
  return key;
}

/** Gives the scalar in memory of its own; `undefined` when the bytes are no such key. */
export function decodeIdentity(key: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  if (key.length !== keyLength) return undefined;
  const lower = secretBytes(keyLength);
  const data = secretBytes(wordCount + checksumLength);
  const scalar = new Uint8Array(secretBytes(scalarLength).buffer);
  try {
    for (const [index, byte] of key.entries()) {
      // Upper case throughout: age takes no other.
      if (byte >= 0x61 && byte <= 0x7a) return undefined;
      lower[index] = byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
    }
    if (!prefix.equals(lower.subarray(0, prefix.length)) || lower[prefix.length] !== 0x31) {
      return undefined;
    }
    for (const [index, byte] of lower.subarray(prefix.length + 1).entries()) {
      const word = words[byte] ?? 0xff;
      if (word === 0xff) return undefined;
      data[index] = word;
    }
    const sum = data.subarray(wordCount).reduce((bits, word) => (bits << 5) | word, 0);
    if ((checksum(data.subarray(0, wordCount)) ^ 1) !== sum) return undefined;
    // 52 words are 260 bits: the last four are padding and have to be zero.
    if (((data[wordCount - 1] ?? 0) & 0b1111) !== 0) return undefined;
    regroup(data.subarray(0, wordCount), 5, scalar, 8);
    return scalar;
  } finally {
    lower.fill(0);
    data.fill(0);
  }
}

/**
 * The one key of an identity file as `age-keygen` writes it: comments, empty lines and a key. Gives
 * `undefined` when there is none, more than one, or one of another kind.
 */
export function parseIdentityText(text: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  let found: Uint8Array<ArrayBuffer> | undefined;
  for (let start = 0; start < text.length;) {
    const end = text.indexOf(0x0a, start);
    const line = text.subarray(start, end === -1 ? text.length : end);
    start += line.length + 1;
    const bare = line.at(-1) === 0x0d ? line.subarray(0, -1) : line;
    if (bare.length === 0 || bare[0] === 0x23) continue;
    const scalar = decodeIdentity(bare);
    if (scalar === undefined || found !== undefined) {
      scalar?.fill(0);
      found?.fill(0);
      return undefined;
    }
    found = scalar;
  }
  return found;
}

/** Moves bits between groups of two sizes, padding the last group with zeros. */
function regroup(from: Uint8Array, fromBits: number, to: Uint8Array, toBits: number): void {
  let bits = 0;
  let rest = 0;
  let index = 0;
  for (const group of from) {
    rest = ((rest << fromBits) | group) & 0xffff;
    bits += fromBits;
    while (bits >= toBits && index < to.length) {
      bits -= toBits;
      to[index] = (rest >> bits) & ((1 << toBits) - 1);
      index += 1;
    }
  }
  if (bits > 0 && index < to.length) to[index] = (rest << (toBits - bits)) & ((1 << toBits) - 1);
}

/** The polynomial of BIP 173 over the expanded prefix, the data and six zeros. */
function checksum(data: Uint8Array): number {
  let sum = 1;
  const step = (word: number): void => {
    const top = sum >>> 25;
    sum = ((sum & 0x1ffffff) << 5) ^ word;
    for (const [bit, generator] of generators.entries()) {
      if (((top >> bit) & 1) === 1) sum ^= generator;
    }
  };
  for (const byte of prefix) step(byte >> 5);
  step(0);
  for (const byte of prefix) step(byte & 31);
  for (const word of data) step(word);
  for (let index = 0; index < checksumLength; index += 1) step(0);
  return sum;
}
