import { lstatSync, mkdirSync } from 'node:fs';
import { BrokerError } from '@mcp-broker/providers/errors';
import type { Paths } from './paths.ts';

/**
 * The home has to be there, a real folder, ours alone; folders below it are made. Throws `ERR_NO_HOME`
 * and `ERR_INSECURE_FILE`.
 */
export function openHome(paths: Paths): void {
  requireOwnFolder(paths.home);
  if (paths.state !== paths.home) {
    mkdirSync(paths.state, { recursive: true, mode: 0o700 });
    requireOwnFolder(paths.state);
  }
  mkdirSync(paths.run, { recursive: true, mode: 0o700 });
  requireOwnFolder(paths.run);
}

function requireOwnFolder(path: string): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) {
    throw new BrokerError('ERR_NO_HOME', `${path} does not exist`, {
      hint: 'mcp init',
      subject: path,
    });
  }
  const problem = stats.isSymbolicLink()
    ? 'is a symbolic link'
    : !stats.isDirectory()
      ? 'is not a folder'
      : stats.uid !== process.getuid?.()
        ? 'belongs to another user'
        : (stats.mode & 0o077) !== 0
          ? 'can be reached by other users'
          : undefined;
  if (problem === undefined) return;
  throw new BrokerError('ERR_INSECURE_FILE', `${path} ${problem}`, {
    hint: problem.startsWith('can') ? `chmod 700 ${path}` : `remove it, then: mcp init`,
    subject: path,
  });
}
