import { inspect } from 'node:util';

/** What is known of a value besides the value. Nothing in it is secret. */
export interface SecretInfo {
  /** The backend's own name for this version of the value. */
  readonly version?: string;
  /** ISO 8601, UTC. */
  readonly created?: string;
  /** ISO 8601, UTC. */
  readonly updated?: string;
  /** ISO 8601, UTC: the backend says that the value is of no use after this moment. */
  readonly expires?: string;
}

const placeholder = '[secret]';

/**
 * A value with its version. It holds bytes, never a string, and prints as `[secret]` wherever a
 * debugger, a template, a log or JSON meets it. Whoever takes the bytes over calls `wipe` on the rest.
 */
export class Secret {
  readonly #bytes: Uint8Array;
  readonly info: SecretInfo;

  /** Takes the buffer over: `wipe` overwrites it. */
  constructor(bytes: Uint8Array, info: SecretInfo = {}) {
    this.#bytes = bytes;
    this.info = info;
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  wipe(): void {
    this.#bytes.fill(0);
  }

  toString(): string {
    return placeholder;
  }

  toJSON(): string {
    return placeholder;
  }
}

// Beside the class: isolated declarations take no computed member names.
for (const key of [inspect.custom, Symbol.toPrimitive]) {
  Object.defineProperty(Secret.prototype, key, { value: () => placeholder });
}
