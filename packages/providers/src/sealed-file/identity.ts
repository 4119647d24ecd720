import { Worker } from 'node:worker_threads';
import { createFile } from '../durable-write.ts';
import { BrokerError } from '../errors.ts';
import { readOwnFile } from '../safe-open.ts';
import { copySecret } from '../secret-bytes.ts';
import { parseIdentityText } from './key.ts';
import type { Outcome, Task } from './worker.ts';

const maxIdentityBytes = 64 * 1024;

/**
 * Makes a new identity, encrypts it with the passphrase (scrypt, in a worker: about a second and
 * 256 MiB) and writes it, 0600. Gives the raw X25519 scalar, which the caller wipes. An existing file
 * is never replaced, since that would make every secret unreadable: `ERR_USAGE`.
 */
export async function createIdentityFile(
  path: string,
  passphrase: Uint8Array,
): Promise<Uint8Array> {
  refuseEmpty(passphrase);
  const options = { what: 'identity file', maxBytes: maxIdentityBytes };
  if (readOwnFile(path, options) !== undefined) throw exists(path);
  const outcome = await runWorker(path, { passphrase });
  if ('problem' in outcome || outcome.file === undefined) throw refusal(path, outcome);
  try {
    if (!(await createFile(path, outcome.file))) throw exists(path);
  } catch (error) {
    outcome.scalar.fill(0);
    throw error;
  }
  return outcome.scalar;
}

/**
 * Opens `identity.age` with its passphrase, or without one a plain identity file as `age-keygen`
 * writes it. Gives the raw X25519 scalar, which the caller wipes. `ERR_PASSPHRASE` when the
 * passphrase is wrong, `ERR_CORRUPT` when the file is damaged or of another kind, `ERR_NO_HOME` or
 * (plain) `ERR_NOT_FOUND` when there is none, `ERR_INSECURE_FILE` when others could read it.
 */
export async function openIdentityFile(path: string, passphrase?: Uint8Array): Promise<Uint8Array> {
  return passphrase === undefined ? openPlain(path) : openSealed(path, passphrase);
}

function openPlain(path: string): Uint8Array {
  const options = { what: 'identity file', maxBytes: maxIdentityBytes, rootMayOwn: true };
  const text = readOwnFile(path, options);
  if (text === undefined) {
    throw new BrokerError('ERR_NOT_FOUND', `identity file ${path} does not exist`, {
      hint: `age-keygen -o ${path}`,
      subject: path,
    });
  }
  try {
    const scalar = parseIdentityText(text);
    if (scalar !== undefined) return scalar;
    if (
      /^\s*(age-encryption\.org\/|-----BEGIN AGE)/.test(text.subarray(0, 1024).toString('latin1'))
    ) {
      throw corrupt(path, 'is encrypted', 'mcp unlock');
    }
    throw corrupt(path, 'does not hold exactly one AGE-SECRET-KEY-1', `age-keygen -y ${path}`);
  } finally {
    text.fill(0);
  }
}

async function openSealed(path: string, passphrase: Uint8Array): Promise<Uint8Array> {
  refuseEmpty(passphrase);
  const file = readOwnFile(path, { what: 'identity file', maxBytes: maxIdentityBytes });
  if (file === undefined) {
    throw new BrokerError('ERR_NO_HOME', `identity file ${path} does not exist`, {
      hint: 'mcp init',
      subject: path,
    });
  }
  const outcome = await runWorker(path, { passphrase, file });
  if ('problem' in outcome) throw refusal(path, outcome);
  return outcome.scalar;
}

function refuseEmpty(passphrase: Uint8Array): void {
  if (passphrase.length > 0) return;
  throw new BrokerError('ERR_USAGE', 'the passphrase is empty', {
    hint: 'type one, or hand it over on a descriptor with --fd N',
  });
}

function refusal(path: string, outcome: Outcome): BrokerError {
  const problem = 'problem' in outcome ? outcome.problem : 'damaged';
  const restore = `restore ${path} from a backup`;
  switch (problem) {
    case 'passphrase':
      return new BrokerError('ERR_PASSPHRASE', `the passphrase of ${path} is wrong`, {
        hint: 'mcp unlock',
        subject: path,
      });
    case 'no-passphrase':
      return corrupt(path, 'is not encrypted with a passphrase', `head -n 2 ${path}`);
    case 'work-factor':
      return corrupt(path, 'asks for a scrypt work factor above 20', restore);
    case 'memory':
      return new BrokerError(
        'ERR_BACKEND_UNAVAILABLE',
        `there is not enough memory to derive the key of ${path}`,
        { hint: 'free -m', subject: path, retryable: true },
      );
    case 'content':
      return corrupt(path, 'does not hold exactly one AGE-SECRET-KEY-1', `age -d ${path}`);
    case 'damaged':
      break;
  }
  return corrupt(path, 'is damaged', restore);
}

function corrupt(path: string, problem: string, hint: string): BrokerError {
  return new BrokerError('ERR_CORRUPT', `identity file ${path} ${problem}`, {
    hint,
    subject: path,
  });
}

function exists(path: string): BrokerError {
  return new BrokerError('ERR_USAGE', `identity file ${path} exists`, {
    hint: 'mcp unlock',
    subject: path,
  });
}

/** A thread of its own for the one task; passphrase and key live there as bytes and end with it. */
async function runWorker(path: string, task: Task): Promise<Outcome> {
  // Copies, because a transfer takes the memory away and the caller's may not be transferable.
  const passphrase = copySecret(task.passphrase);
  const url = import.meta.url.endsWith('.ts')
    ? new URL('./worker.ts', import.meta.url)
    : new URL('./sealed-file-worker.js', import.meta.url);
  const worker = new Worker(url, {
    workerData: { ...task, passphrase } satisfies Task,
    transferList: [passphrase.buffer],
    // Nothing of what started this process reaches the thread, nor anything of it our streams.
    env: {},
    execArgv: [],
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 },
  });
  try {
    return await new Promise<Outcome>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', () => {
        reject(new Error('the worker ended without an answer'));
      });
    });
  } catch (error) {
    // Most likely an update has replaced the files under a daemon that runs.
    throw new BrokerError('ERR_INTERNAL', `the worker for ${path} failed`, {
      hint: 'mcp daemon restart',
      cause: error,
    });
  } finally {
    await worker.terminate();
  }
}
