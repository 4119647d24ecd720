import { accessSync, constants, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BrokerError } from '@mcp-broker/daemon/protocol';

/** Where the C library looks when there is no PATH. */
export const defaultPath = '/bin:/usr/bin';

/**
 * Finds a command as execvp does in the working folder: a name with a slash is a path, an empty element of
 * PATH is that folder, and what may not be run is passed over while another may follow. Throws
 * `ERR_COMMAND_NOT_FOUND` or `ERR_NOT_EXECUTABLE`.
 */
export function lookUp(command: string, path: string | undefined, cwd = ''): string {
  if (command.includes('/')) {
    const state = probe(resolve(cwd, command));
    if (state === 'runs') return command;
    throw state === 'missing' ? notFound(command, 'path') : notExecutable(command);
  }
  let refused: string | undefined;
  for (const folder of (path ?? defaultPath).split(':')) {
    const candidate = folder === '' ? `./${command}` : join(folder, command);
    const state = probe(resolve(cwd, candidate));
    if (state === 'runs') return candidate;
    if (state === 'refused') refused ??= candidate;
  }
  throw refused === undefined
    ? notFound(command, 'name', path ?? defaultPath)
    : notExecutable(refused);
}

function probe(file: string): 'runs' | 'refused' | 'missing' {
  try {
    const stats = statSync(file, { throwIfNoEntry: false });
    if (stats === undefined) return 'missing';
    if (!stats.isFile()) return 'refused';
    accessSync(file, constants.X_OK);
    return 'runs';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'EACCES' || code === 'EPERM' ? 'refused' : 'missing';
  }
}

export function notFound(command: string, typed: 'name' | 'path', searched?: string): BrokerError {
  const where = searched === undefined ? '' : ` (in ${searched})`;
  return new BrokerError('ERR_COMMAND_NOT_FOUND', `command not found: ${command}${where}`, {
    hint:
      typed === 'path'
        ? `check the path: ls -l ${command}`
        : 'give the full path, or add its folder to the PATH of the client or to settings.path in config.yaml',
  });
}

export function notExecutable(file: string): BrokerError {
  return new BrokerError('ERR_NOT_EXECUTABLE', `not executable: ${file}`, {
    hint: `check its mode: ls -ld ${file}`,
  });
}
