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
  /** Milliseconds since 1970, UTC. */
  readonly now: () => number;
}
