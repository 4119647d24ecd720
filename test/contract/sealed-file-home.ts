import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BrokerError,
  createSealedFile,
  createSecretsFile,
  type IdentitySource,
} from '@mcp-broker/providers';
import { importScalar, recipientOf, seal } from '../../packages/providers/src/sealed-file/age.ts';
import type { Subject } from './suite.ts';

/** A folder with a `secrets.age`, and the provider on it, with a lock that is this process's alone. */
export interface Home extends Subject {
  readonly folder: string;
  readonly file: string;
  readonly identity: IdentitySource;
  lockIdentity(): void;
  replaceIdentity(): void;
  /** Replaces the document by these bytes. */
  write(document: Uint8Array): Promise<void>;
}

export async function createHome({
  empty = false,
}: { readonly empty?: boolean } = {}): Promise<Home> {
  const folder = mkdtempSync(join(tmpdir(), 'sealed-file-'));
  const file = join(folder, 'secrets.age');
  let scalar: Buffer | undefined = randomBytes(32);
  let gate: Promise<void> = Promise.resolve();
  const identity: IdentitySource = {
    use: (action) => {
      if (scalar === undefined) throw new BrokerError('ERR_LOCKED', 'the sealed file is locked');
      return action(scalar);
    },
  };
  if (!empty) await createSecretsFile(file, identity);
  const write = async (document: Uint8Array): Promise<void> => {
    const recipient = await recipientOf(identity.use(importScalar));
    writeFileSync(file, await seal(document, recipient), { mode: 0o600 });
  };
  return {
    folder,
    file,
    identity,
    provider: createSealedFile({
      file,
      identity,
      lock: async (_path, signal) => {
        await Promise.race([gate, untilAborted(signal)]);
        return () => undefined;
      },
      now: () => Date.now(),
    }),
    lockIdentity: () => {
      scalar = undefined;
    },
    replaceIdentity: () => {
      scalar = randomBytes(32);
    },
    write,
    seed: async (items) => {
      const secrets = [...items].map(([name, value]) => [
        name,
        { value: Buffer.from(value).toString('base64') },
      ]);
      await write(
        Buffer.from(JSON.stringify({ version: 1, secrets: Object.fromEntries(secrets) })),
      );
    },
    stall: async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      return Promise.resolve(resolve);
    },
    cleanup: async () => {
      rmSync(folder, { recursive: true });
      return Promise.resolve();
    },
  };
}

async function untilAborted(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort');
  throw new BrokerError('ERR_ABORTED', 'the lock was not waited for');
}
