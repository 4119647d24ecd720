import { createRequire } from 'node:module';
import type Koffi from 'koffi';

/**
 * Calls into the C library. Taken is koffi's native part, which does all the work: what stands around it
 * reads every export of `node:fs` and `node:util`, and that takes three times as long as the rest.
 */
export function loadKoffi(): typeof Koffi {
  const require = createRequire(import.meta.url);
  try {
    const native = `@koromix/koffi-${process.platform}-${process.arch}`;
    return createRequire(require.resolve('koffi'))(native) as typeof Koffi;
  } catch {
    // Where koffi brings no native part, it may have been compiled.
    return require('koffi') as typeof Koffi;
  }
}
