import type { Provider } from './provider.ts';

/**
 * The raw 32-byte X25519 scalar of the sealed file's identity, lent for the time of one call.
 * Throws `ERR_LOCKED` when there is none.
 */
export interface IdentitySource {
  use<T>(action: (scalar: Uint8Array) => T): T;
}

export interface SealedFileContext {
  /** Path of `secrets.age`. */
  readonly file: string;
  readonly identity: IdentitySource;
  /** Takes the lock file for this process, waiting for other holders; gives the release. */
  readonly lock: (path: string, signal: AbortSignal) => Promise<() => void>;
}

export declare function createSealedFile(context: SealedFileContext): Provider;

/** Makes a new identity, encrypts it with the passphrase (scrypt, in a worker) and writes it, 0600. */
export declare function createIdentityFile(path: string, passphrase: Uint8Array): Promise<Uint8Array>;

/** Opens identity.age (passphrase) or a plain identity file (none). Gives the raw scalar. */
export declare function openIdentityFile(path: string, passphrase?: Uint8Array): Promise<Uint8Array>;
