/**
 * Locked, guarded memory for values (sodium-native), handed out in slices of slabs: one allocation a
 * value would run into the kernel's limit of mappings.
 */
export interface Vault {
  /** Copies the bytes in. The caller wipes its own copy. */
  store(bytes: Uint8Array): Slice;
  readonly reserved: number;
}

export interface Slice {
  readonly length: number;
  /** Lends the bytes for the time of the call; they must not be kept. */
  use<T>(action: (bytes: Uint8Array) => T): T;
  /** Overwrites and gives back. Using it afterwards throws. */
  wipe(): void;
}

export declare function createVault(): Vault;
