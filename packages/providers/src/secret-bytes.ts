/**
 * Memory for secrets: zeros, in a piece of its own outside of V8's heap, so that `fill(0)` overwrites
 * the only copy. V8 keeps typed arrays of up to 64 bytes, those of `Buffer.alloc` and `new Uint8Array`
 * too, on its heap, from where the first native call copies them out and leaves the original behind.
 */
export function secretBytes(length: number): Buffer<ArrayBuffer> {
  return Buffer.from(new ArrayBuffer(length));
}

/** A copy in such memory. */
export function copySecret(bytes: Uint8Array): Buffer<ArrayBuffer> {
  const copy = secretBytes(bytes.length);
  copy.set(bytes);
  return copy;
}

/** Pieces one after another in such memory; whoever owns the pieces wipes them. */
export function joinSecrets(pieces: readonly Uint8Array[]): Buffer<ArrayBuffer> {
  const all = secretBytes(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
