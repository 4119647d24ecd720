/** The functions of sodium-native that we use; it has no types of its own. */
declare module 'sodium-native' {
  const sodium: {
    /** Pages of their own between guard pages, locked and left out of core files where the system allows it. */
    sodium_malloc(size: number): Buffer;
    /** Overwrites and unmaps; the buffer has length 0 afterwards. */
    sodium_free(buffer: Buffer): void;
    /** Overwrites in a way that no compiler leaves out. */
    sodium_memzero(bytes: Uint8Array): void;
  };
  export default sodium;
}
