import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import type { ShownFile } from '@mcp-broker/daemon/protocol';

/** None of what is no file that this process can read: the daemon says better what is wrong with it. */
export function showFile(path: string): ShownFile[] {
  try {
    // Not blocking: a pipe that stands there would wait for its writer.
    const fd = openSync(path, constants.O_NONBLOCK | constants.O_NOCTTY);
    try {
      if (!fstatSync(fd).isFile()) return [];
      const { hash } = process.getBuiltinModule('node:crypto');
      return [{ path, sha256: hash('sha256', readFileSync(fd)) }];
    } finally {
      closeSync(fd);
    }
  } catch {
    return [];
  }
}
