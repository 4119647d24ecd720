import { closeSync, constants, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import type Koffi from 'koffi';

// From <asm-generic/termbits.h> of Linux: four words of flags, of which the last has ISIG; 60 bytes or less.
const termiosSize = 256;
const localFlagsAt = 12;
const ISIG = 0x1;

/**
 * A key such as Ctrl-C is a signal on our controlling terminal, and not, as in an editor, a byte. Linux alone;
 * true where it cannot be told.
 */
export function makesSignals(): boolean {
  if (process.platform !== 'linux') return true;
  let fd: number | undefined;
  try {
    fd = openSync('/dev/tty', constants.O_RDONLY | constants.O_NOCTTY);
    const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
    const tcgetattr = koffi.load(null).func('int tcgetattr(int, void *)') as (
      descriptor: number,
      termios: Buffer,
    ) => number;
    const termios = Buffer.alloc(termiosSize);
    return tcgetattr(fd, termios) !== 0 || (termios.readUInt32LE(localFlagsAt) & ISIG) !== 0;
  } catch {
    return true;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
