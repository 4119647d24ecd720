import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** What sodium-native's binary offers of all that we use; buffers are plain array buffers there. */
interface Binding {
  sodium_malloc(size: number): ArrayBuffer;
  sodium_free(memory: ArrayBuffer): void;
  sodium_memzero(bytes: Uint8Array): void;
}

// The binary alone, from where its package ships it: the JavaScript around it takes 16 ms to load, a
// tenth of the daemon's start. The package is pinned to one version, and a test holds what we call.
const require = createRequire(import.meta.url);
const folder = dirname(require.resolve('sodium-native/package.json'));
const binding = require(
  join(folder, 'prebuilds', `${process.platform}-${process.arch}`, 'sodium-native.node'),
) as Binding;

/** Pages of their own between guard pages, locked and left out of core files where the system allows it. */
export function allocateLocked(size: number): Buffer {
  return Buffer.from(binding.sodium_malloc(size));
}

/** Overwrites and unmaps; the buffer has length 0 afterwards. */
export function freeLocked(memory: Buffer): void {
  binding.sodium_free(memory.buffer as ArrayBuffer);
}

/** Overwrites in a way that no compiler leaves out. */
export function zero(bytes: Uint8Array): void {
  binding.sodium_memzero(bytes);
}
