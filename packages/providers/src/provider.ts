import type { Secret, SecretInfo } from './secret.ts';

/** Where a value lies in a backend. Pure data; the provider gives the parts their meaning. */
export interface Locator {
  readonly path: string;
  readonly field?: string;
  readonly version?: string;
}

/** Every call ends by its signal: aborted or past its deadline, it rejects with `ERR_ABORTED`. */
export interface CallOptions {
  readonly signal: AbortSignal;
}

/** One stored item: its name and metadata, never its value. */
export interface Item extends SecretInfo {
  readonly name: string;
}

/**
 * The code for one kind of store, bound to one backend. A capability that a store lacks is a method
 * that its provider lacks. Every rejection is a `BrokerError` built from an allow-list (code, status,
 * host, operation); an SDK's own error never leaves the provider.
 */
export interface Provider {
  /** A store on this machine may be asked before a launch is approved; a remote one may not. */
  readonly local: boolean;

  /** The locator of a variable that has none of its own: the backend's path or prefix, and NAME. */
  locate(name: string): Locator;

  /** `undefined` only when the store said that there is no such secret. */
  get(locator: Locator, options: CallOptions): Promise<Secret | undefined>;

  /** Stores a copy of the bytes, durably before it resolves. Gives the new version. */
  put?(locator: Locator, value: Uint8Array, options: CallOptions): Promise<SecretInfo>;

  /** `false` when there was nothing to delete. */
  delete?(locator: Locator, options: CallOptions): Promise<boolean>;

  /** The items below the backend's own path or prefix, sorted by name; the array may be the one given before. */
  list?(options: CallOptions): Promise<readonly Item[]>;

  /** The versions that the store keeps of one item, newest first; none when there is no such item. */
  history?(locator: Locator, options: CallOptions): Promise<readonly SecretInfo[]>;

  /** Resolves when the backend can be reached and accepts our credential. */
  check?(options: CallOptions): Promise<void>;

  close?(): Promise<void>;
}
