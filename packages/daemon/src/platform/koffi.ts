import { closeSync, openSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import type Koffi from 'koffi';

/**
 * Calls into the C library. Taken is koffi's native part by its file, which does all the work: what stands
 * around it reads every export of `node:fs` and `node:util`, and that takes four times as long as the rest.
 */
export function loadKoffi(): typeof Koffi {
  const { platform, arch } = process;
  const find = createRequire(import.meta.url);
  try {
    const library = platform === 'linux' && isMusl() ? 'musl' : platform;
    const native = `@koromix/koffi-${platform}-${arch}/${library}_${arch}/koffi.node`;
    return createRequire(find.resolve('koffi'))(native) as typeof Koffi;
  } catch {
    // It lies elsewhere, as where it was compiled.
    return find('koffi') as typeof Koffi;
  }
}

/** By the loader that Node's own file asks for. */
function isMusl(): boolean {
  const start = Buffer.alloc(4096);
  const fd = openSync(process.execPath, 'r');
  try {
    readSync(fd, start, 0, start.length, 0);
  } finally {
    closeSync(fd);
  }
  return start.includes('/ld-musl-');
}
