import {
  createCipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  timingSafeEqual,
  type KeyObject,
} from 'node:crypto';
import { copySecret, joinSecrets, secretBytes } from '../secret-bytes.ts';

/**
 * Opens an age file (C2SP age.md) with Node's own cryptography, at the price of one stanza: to load the
 * library and open the first file takes it 30 ms, and this stands in the way of the first launch. What is
 * not exactly of the form that we write is left to the library, which also says what is wrong with it.
 */

const intro = 'age-encryption.org/v1\n';
/** Of one stanza for X25519 and the MAC; 32 bytes are 43 characters. */
const header = /^-> X25519 ([A-Za-z0-9+/]{43})\n([A-Za-z0-9+/]{43})\n--- ([A-Za-z0-9+/]{43})\n/;
const headerLength = intro.length + '-> X25519 '.length + 43 + 1 + 43 + 1 + '--- '.length + 43 + 1;
const macLength = '--- '.length + 43 + 1;
/** The MAC covers the header up to and with the three dashes, without what follows them. */
const macFrom = headerLength - macLength + '---'.length;

/** DER up to the 32 bytes of a key for X25519 (RFC 8410). */
const privatePrefix = Buffer.from('302e020100300506032b656e04220420', 'hex');
const publicPrefix = Buffer.from('302a300506032b656e032100', 'hex');

const keyLength = 32;
const nonceLength = 16;
const chunkLength = 64 * 1024;
const tagLength = 16;
const sealedChunkLength = chunkLength + tagLength;
const counterLength = 12;
const noCounter = secretBytes(counterLength);
const none = secretBytes(0);
const zeros = secretBytes(chunkLength);
/** Block 0 of the key stream makes the key of the tag (RFC 8439, section 2.8). */
const firstBlock = Buffer.from('01000000', 'hex');

/** Bytes of the plaintext, the last one not counted. */
export interface Part {
  readonly from: number;
  readonly to: number;
}

/**
 * The plaintext, which the caller wipes; `undefined`: the library has to look at it. Of a part no other
 * chunks are opened than those that it lies in: only of a file that was opened whole before.
 */
export function openOwn(file: Uint8Array, scalar: Uint8Array, part?: Part): Buffer | undefined {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.length);
  const parsed = readHeader(bytes);
  if (parsed === undefined) return undefined;
  const keys: Uint8Array[] = [];
  const keep = <Key extends Uint8Array>(key: Key): Key => {
    keys.push(key);
    return key;
  };
  try {
    const { share, wrapped, mac } = parsed;
    const privateKey = toPrivateKey(scalar);
    const shared = keep(diffieHellman({ privateKey, publicKey: toPublicKey(share) }));
    const salt = joinSecrets([share, rawPublic(privateKey)]);
    const wrapKey = keep(derive(shared, salt, 'age-encryption.org/v1/X25519'));
    const fileKey = keep(secretBytes(wrapped.length - tagLength));
    if (!decryptChunk(wrapKey, noCounter, wrapped, fileKey)) return undefined;
    const macKey = keep(derive(fileKey, none, 'header'));
    const expected = createHmac('sha256', macKey).update(bytes.subarray(0, macFrom)).digest();
    if (!timingSafeEqual(expected, mac)) return undefined;
    const nonce = bytes.subarray(headerLength, headerLength + nonceLength);
    const payloadKey = keep(derive(fileKey, nonce, 'payload'));
    return decryptPayload(bytes.subarray(headerLength + nonceLength), payloadKey, part);
  } catch {
    return undefined;
  } finally {
    for (const key of keys) key.fill(0);
  }
}

function readHeader(bytes: Buffer): { share: Buffer; wrapped: Buffer; mac: Buffer } | undefined {
  if (bytes.length < headerLength + nonceLength + tagLength) return undefined;
  const text = bytes.toString('latin1', 0, headerLength);
  const [, share, wrapped, mac] = text.startsWith(intro)
    ? (header.exec(text.slice(intro.length)) ?? [])
    : [];
  if (share === undefined || wrapped === undefined || mac === undefined) return undefined;
  const decoded = { share: decode(share), wrapped: decode(wrapped), mac: decode(mac) };
  // One text for each value: what is left over of the last character has to be zero.
  const isCanonical =
    encode(decoded.share) === share &&
    encode(decoded.wrapped) === wrapped &&
    encode(decoded.mac) === mac;
  return isCanonical ? decoded : undefined;
}

function decryptPayload(payload: Buffer, key: Uint8Array, part?: Part): Buffer | undefined {
  const chunks = Math.max(1, Math.ceil(payload.length / sealedChunkLength));
  const length = payload.length - chunks * tagLength;
  const lastLength = payload.length - (chunks - 1) * sealedChunkLength - tagLength;
  // An empty chunk ends an empty file alone.
  if (lastLength < 0 || (lastLength === 0 && chunks > 1)) return undefined;
  if (part === undefined) return decryptChunks(payload, key, { from: 0, to: chunks });
  if (part.to > length) return undefined;
  const from = Math.floor(part.from / chunkLength);
  const to = Math.ceil(part.to / chunkLength);
  const plaintext = decryptChunks(payload, key, { from, to });
  if (plaintext === undefined) return undefined;
  try {
    const before = from * chunkLength;
    return copySecret(plaintext.subarray(part.from - before, part.to - before));
  } finally {
    plaintext.fill(0);
  }
}

function decryptChunks(payload: Buffer, key: Uint8Array, { from, to }: Part): Buffer | undefined {
  const end = Math.min(payload.length, to * sealedChunkLength);
  const sealed = Math.max(0, end - from * sealedChunkLength);
  const plaintext = secretBytes(sealed - Math.max(0, to - from) * tagLength);
  const counter = secretBytes(counterLength);
  for (let index = from; index < to; index += 1) {
    const start = index * sealedChunkLength;
    const next = start + sealedChunkLength;
    counter.writeUInt32BE(index, counterLength - 5);
    counter[counterLength - 1] = next >= payload.length ? 1 : 0;
    const chunk = payload.subarray(start, next);
    if (!decryptChunk(key, counter, chunk, plaintext.subarray((index - from) * chunkLength))) {
      plaintext.fill(0);
      return undefined;
    }
  }
  return plaintext;
}

/**
 * False when the tag does not fit; `into` may then hold what must not be used. Node's decipher would leave
 * a copy of the plaintext in memory that it frees, so the key stream is put on here, and the tag is that of
 * the plaintext when it is encrypted again.
 */
function decryptChunk(
  key: Uint8Array,
  nonce: Uint8Array,
  sealed: Buffer,
  into: Uint8Array,
): boolean {
  const end = sealed.length - tagLength;
  if (end < 0) return false;
  const stream = createCipheriv('chacha20', key, joinSecrets([firstBlock, nonce]));
  const mask = stream.update(zeros.subarray(0, end));
  for (let at = 0; at < end; at += 1) into[at] = (sealed[at] ?? 0) ^ (mask[at] ?? 0);
  mask.fill(0);
  const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: tagLength });
  cipher.update(into.subarray(0, end));
  cipher.final();
  return timingSafeEqual(cipher.getAuthTag(), sealed.subarray(end));
}

function toPrivateKey(scalar: Uint8Array): KeyObject {
  const der = joinSecrets([privatePrefix, scalar]);
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  } finally {
    der.fill(0);
  }
}

function toPublicKey(raw: Uint8Array): KeyObject {
  return createPublicKey({ key: joinSecrets([publicPrefix, raw]), format: 'der', type: 'spki' });
}

function rawPublic(privateKey: KeyObject): Buffer {
  const der = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return der.subarray(publicPrefix.length);
}

function derive(key: Uint8Array, salt: Uint8Array, info: string): Uint8Array {
  return Buffer.from(hkdfSync('sha256', key, salt, info, keyLength));
}

function decode(text: string): Buffer {
  return Buffer.from(text, 'base64');
}

function encode(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
