import { hash, timingSafeEqual } from 'node:crypto';
import type { ShownFile } from '../protocol/messages.ts';

/** Throws `NotShown` for a file that the wrapper has not shown to have read as it is. */
export type RequireShown = (path: string, bytes: Uint8Array) => void;

/** No failure of the launch: the wrapper is asked to show the file. */
export class NotShown extends Error {
  readonly path: string;

  constructor(path: string) {
    super('a file has not been shown');
    this.path = path;
  }
}

/**
 * The daemon may read more than whoever asks it, such as a program that the kernel keeps away from some files
 * of its own user. So it tells of a file only what the wrapper has read as well.
 */
export function requireShown(shown: readonly ShownFile[]): RequireShown {
  return (path, bytes) => {
    const digest = hash('sha256', bytes, 'buffer');
    const isShown = shown.some(
      (file) => file.path === path && timingSafeEqual(Buffer.from(file.sha256, 'hex'), digest),
    );
    if (!isShown) throw new NotShown(path);
  };
}
