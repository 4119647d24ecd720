import { fdatasync, ftruncateSync, renameSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';

/** What is asked of the disk for each group of lines; a test puts faults in its place. */
export interface Disk {
  /** Gives the number of bytes that were written, which may be fewer. */
  readonly write: (fd: number, bytes: Buffer, offset: number) => number;
  /** Resolves once the file's data and size are on the disk. */
  readonly sync: (fd: number) => Promise<void>;
  readonly truncate: (fd: number, size: number) => void;
  readonly rename: (from: string, to: string) => void;
}

export const realDisk: Disk = {
  // Into the page cache and so at once; a turn in the thread pool would take longer than the work.
  write: (fd, bytes, offset) => writeSync(fd, bytes, offset),
  sync: promisify(fdatasync),
  truncate: ftruncateSync,
  rename: renameSync,
};
