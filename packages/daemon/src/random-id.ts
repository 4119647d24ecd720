import { randomFillSync } from 'node:crypto';

/** Drawn at once: one draw takes longer than the rest of what an id is used for. */
const pool = Buffer.alloc(4096);
let used = pool.length;

/** So many random bytes, hex, from the system's generator; nobody can guess the next from those before. */
export function randomId(bytes: number): string {
  if (used + bytes > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const id = pool.toString('hex', used, used + bytes);
  pool.fill(0, used, used + bytes);
  used += bytes;
  return id;
}
