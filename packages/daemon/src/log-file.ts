import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { BrokerError } from '@mcp-broker/providers/errors';

/** The daemon's log, to be added to. Throws `ERR_INSECURE_FILE` unless it is a file of this user's alone. */
export function openLog(file: string): number {
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants;
  let fd: number;
  try {
    // Not blocking: a pipe in its place would hold us up.
    fd = openSync(file, O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_WRONLY, 0o600);
  } catch (error) {
    throw insecureLog(file, error);
  }
  const stats = fstatSync(fd);
  if (stats.isFile() && stats.uid === process.geteuid?.() && (stats.mode & 0o077) === 0) return fd;
  closeSync(fd);
  throw insecureLog(file);
}

function insecureLog(file: string, cause?: unknown): BrokerError {
  return new BrokerError('ERR_INSECURE_FILE', `${file} is not a file of this user's alone`, {
    hint: 'move it away',
    subject: file,
    cause,
  });
}
