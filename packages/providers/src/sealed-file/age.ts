import type { Identity, Recipient } from 'age-encryption';
import { createPrivateKey, type webcrypto } from 'node:crypto';
import { copySecret, joinSecrets, secretBytes } from '../secret-bytes.ts';
import { encryptPayload } from './stream.ts';

/** DER of `PrivateKeyInfo` for X25519 (RFC 8410), up to the 32 bytes of the scalar. */
const pkcs8Prefix = Buffer.from('302e020100300506032b656e04220420', 'hex');

const noBytes = secretBytes(0);
/** Before the payload's first chunk. */
const payloadNonceLength = 16;
/** The one chunk of an empty file: a tag. */
const emptyPayloadLength = 16;

/** Not loaded before the first file is opened: it costs a start some 60 ms. */
const loadAge = () => import('age-encryption');

/** The scalar as a key of OpenSSL, of which no string is ever made and which cannot be exported. */
export function importScalar(scalar: Uint8Array): webcrypto.CryptoKey {
  const der = joinSecrets([pkcs8Prefix, scalar]);
  try {
    const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    return key.toCryptoKey({ name: 'X25519' }, false, ['deriveBits']);
  } finally {
    der.fill(0);
  }
}

/** The public half, `age1…`. */
export async function recipientOf(key: webcrypto.CryptoKey): Promise<string> {
  const { identityToRecipient } = await loadAge();
  return identityToRecipient(key);
}

/**
 * Encrypts to one recipient. The library makes the header, and an empty payload that is cut off here and
 * never leaves this function: its one chunk had the key and nonce that our own last chunk may have.
 */
export async function seal(plaintext: Uint8Array, recipient: string | Recipient): Promise<Buffer> {
  const { Encrypter } = await loadAge();
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipient);
  let fileKey = noBytes;
  encrypter.addRecipient({
    // A recipient that gets no stanza: it only takes the key along.
    wrapFileKey(key) {
      fileKey = copySecret(key);
      return [];
    },
  });
  try {
    const chunks: Uint8Array[] = [];
    for await (const chunk of await encrypter.encrypt(streamOf(noBytes))) chunks.push(chunk);
    const start = joinSecrets(chunks).subarray(0, -emptyPayloadLength);
    const nonce = start.subarray(-payloadNonceLength);
    return joinSecrets([start, ...encryptPayload(plaintext, fileKey, nonce)]);
  } finally {
    fileKey.fill(0);
  }
}

/** Why an identity of our own does not open a file. */
export class Refusal extends Error {
  readonly problem: 'passphrase' | 'no-passphrase' | 'work-factor' | 'memory';

  constructor(problem: Refusal['problem']) {
    super(problem);
    this.problem = problem;
  }
}

/** No stanza of the file is for the identity. */
export class NoMatch extends Error {}

/**
 * Decrypts an age file, armored or not, into memory that the caller wipes. An error of the library
 * may quote the file, so what is thrown here says nothing but which of the two it was: `NoMatch`, or
 * a file that is damaged. Errors of our own identities pass.
 */
export async function unseal(
  file: Uint8Array,
  identity: webcrypto.CryptoKey | Identity,
): Promise<Buffer> {
  const { Decrypter, armor } = await loadAge();
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  let plaintext = noBytes;
  try {
    const binary = isArmored(file) ? armor.decode(Buffer.from(file).toString('latin1')) : file;
    const opened = await decrypter.decrypt(streamOf(binary));
    plaintext = secretBytes(opened.size(binary.length));
    let length = 0;
    for await (const chunk of opened) {
      plaintext.set(chunk, length);
      length += chunk.length;
      chunk.fill(0);
    }
    return plaintext;
  } catch (error) {
    plaintext.fill(0);
    if (error instanceof Refusal) throw error;
    if (error instanceof Error && error.message.startsWith('no identity matched')) {
      throw new NoMatch('no stanza is for this identity');
    }
    // oxlint-disable-next-line preserve-caught-error -- it may quote the file
    throw new Error('damaged');
  }
}

function isArmored(file: Uint8Array): boolean {
  return /^\s*-----BEGIN/.test(Buffer.from(file.subarray(0, 1024)).toString('latin1'));
}

function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(bytes);
      controller.close();
    },
  });
}
