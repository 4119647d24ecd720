import { accessSync, constants, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { BrokerError } from '@mcp-broker/providers/errors';

/**
 * Finds a command as execvp does: a name with a slash is a path (relative to the working folder), any
 * other is looked for in PATH. The folder is asked for only where it matters. Throws
 * `ERR_COMMAND_NOT_FOUND` (127) or `ERR_NOT_EXECUTABLE` (126).
 */
export function findCommand(
  command: string,
  searchPath: string | null,
  workingDirectory: () => string,
): string {
  const inFolder = (path: string): string =>
    isAbsolute(path) ? resolve(path) : resolve(workingDirectory(), path);
  if (command.includes('/')) {
    const path = inFolder(command);
    const problem = executableProblem(path);
    if (problem !== undefined) throw problem(command);
    return path;
  }
  let refused: ((name: string) => BrokerError) | undefined;
  for (const folder of (searchPath ?? '/usr/bin:/bin').split(':')) {
    // An empty element means the working folder, as it does to the shell.
    const path = join(inFolder(folder), command);
    const problem = executableProblem(path);
    if (problem === undefined) return path;
    if (problem === notExecutable) refused ??= problem;
  }
  throw (refused ?? notFound)(command);
}

// Not asynchronous: a hop to another thread takes ten times as long as these calls.
function executableProblem(path: string): ((name: string) => BrokerError) | undefined {
  try {
    if (!statSync(path).isFile()) return notExecutable;
    accessSync(path, constants.X_OK);
    return undefined;
  } catch (error) {
    return problemOf(error) ?? notFound;
  }
}

/** What an error of the kernel says of a command; undefined: it says nothing of it. */
export function problemOf(error: unknown): ((name: string) => BrokerError) | undefined {
  switch ((error as NodeJS.ErrnoException).code ?? '') {
    case 'EACCES':
    case 'EPERM':
      return notExecutable;
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ELOOP':
    case 'ENAMETOOLONG':
    case 'ERR_INVALID_ARG_VALUE':
      return notFound;
    default:
      return undefined;
  }
}

function notFound(command: string): BrokerError {
  return new BrokerError('ERR_COMMAND_NOT_FOUND', `command not found: ${command}`, {
    hint: command.includes('/')
      ? `check the path: ls -l ${command}`
      : 'give the full path, or add its folder to the PATH of the client',
    subject: command,
  });
}

export function notExecutable(command: string): BrokerError {
  return new BrokerError('ERR_NOT_EXECUTABLE', `command is not executable: ${command}`, {
    hint: 'a command has to be a regular file with the execute permission (chmod +x)',
    subject: command,
  });
}
