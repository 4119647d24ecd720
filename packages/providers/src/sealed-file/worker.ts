import { randomFillSync } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { joinSecrets, secretBytes } from '../secret-bytes.ts';
import { Refusal, seal, unseal } from './age.ts';
import { encodeIdentity, parseIdentityText } from './key.ts';
import { scryptIdentity, scryptRecipient } from './scrypt.ts';

/** Opens the file, or without one makes a new identity. Both buffers come by transfer. */
export interface Task {
  readonly passphrase: Uint8Array;
  readonly file?: Uint8Array;
}

/** `content`: it opened, and held no X25519 identity. */
export type Outcome =
  | { readonly scalar: Uint8Array<ArrayBuffer>; readonly file?: Uint8Array }
  | { readonly problem: Refusal['problem'] | 'damaged' | 'content' };

// Loaded without a task (by a type check, a bundler, a test) it does nothing.
if (parentPort !== null) {
  const outcome = await run(workerData as Task);
  parentPort.postMessage(outcome, 'scalar' in outcome ? [outcome.scalar.buffer] : []);
}

async function run({ passphrase, file }: Task): Promise<Outcome> {
  try {
    return file === undefined ? await create(passphrase) : await open(file, passphrase);
  } catch (error) {
    if (error instanceof Refusal) return { problem: error.problem };
    if (file === undefined) throw error;
    return { problem: 'damaged' };
  } finally {
    passphrase.fill(0);
  }
}

async function create(passphrase: Uint8Array): Promise<Outcome> {
  const scalar = randomFillSync(secretBytes(32));
  const key = encodeIdentity(scalar);
  const text = joinSecrets([key, Buffer.from('\n')]);
  key.fill(0);
  try {
    return { scalar, file: await seal(text, scryptRecipient(passphrase)) };
  } finally {
    text.fill(0);
  }
}

async function open(file: Uint8Array, passphrase: Uint8Array): Promise<Outcome> {
  const text = await unseal(file, scryptIdentity(passphrase));
  try {
    const scalar = parseIdentityText(text);
    return scalar === undefined ? { problem: 'content' } : { scalar };
  } finally {
    text.fill(0);
  }
}
