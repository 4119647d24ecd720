import { createHash } from 'node:crypto';
import { constants, type BigIntStats } from 'node:fs';
import { access, open, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { BrokerError } from '@mcp-broker/providers/errors';
import type { FileIdentity } from '../protocol/messages.ts';

/** A program as the daemon saw it: what the fingerprint binds, and what the wrapper compares. */
export interface Executable {
  readonly identity: FileIdentity;
  readonly realPath: string;
  /** SHA-256 of the content, hex. */
  readonly digest: string;
}

/**
 * Finds a command as execvp does: a name with a slash is a path (relative to the working folder), any
 * other is looked for in PATH. Throws `ERR_COMMAND_NOT_FOUND` (127) or `ERR_NOT_EXECUTABLE` (126).
 */
export async function findCommand(
  command: string,
  searchPath: string | null,
  workingDirectory: string,
): Promise<string> {
  if (command.includes('/')) {
    const path = resolve(workingDirectory, command);
    const problem = await executableProblem(path);
    if (problem !== undefined) throw problem(command);
    return path;
  }
  let refused: ((name: string) => BrokerError) | undefined;
  for (const folder of (searchPath ?? '/usr/bin:/bin').split(':')) {
    // An empty element means the working folder, as it does to the shell.
    const path = isAbsolute(folder)
      ? join(folder, command)
      : resolve(workingDirectory, folder, command);
    const problem = await executableProblem(path);
    if (problem === undefined) return path;
    if (problem === notExecutable) refused ??= problem;
  }
  throw (refused ?? notFound)(command);
}

async function executableProblem(
  path: string,
): Promise<((name: string) => BrokerError) | undefined> {
  try {
    const stats = await stat(path);
    if (!stats.isFile()) return notExecutable;
    await access(path, constants.X_OK);
    return undefined;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return code === 'EACCES' || code === 'EPERM' ? notExecutable : notFound;
  }
}

function notFound(command: string): BrokerError {
  return new BrokerError('ERR_COMMAND_NOT_FOUND', `command not found: ${command}`, {
    hint: 'give the full path, or add its folder to the PATH of the client',
    subject: command,
  });
}

function notExecutable(command: string): BrokerError {
  return new BrokerError('ERR_NOT_EXECUTABLE', `command is not executable: ${command}`, {
    hint: 'a command has to be a regular file with the execute permission (chmod +x)',
    subject: command,
  });
}

export interface Digests {
  /** Opens, hashes and describes the file that the path leads to. */
  examine(path: string): Promise<Executable>;
}

/**
 * Digests by device, inode, size, mtime and ctime: Node itself, 120 MB, is hashed once and not at each
 * launch. All but the content comes from one open descriptor, so that a swap midway is seen.
 */
export function createDigests(maxEntries = 1024): Digests {
  const known = new Map<string, string>();
  return {
    async examine(path) {
      const file = await open(path, constants.O_RDONLY);
      try {
        const before = await file.stat({ bigint: true });
        const key = statKey(before);
        let digest = known.get(key);
        if (digest === undefined) {
          const hash = createHash('sha256');
          const buffer = Buffer.allocUnsafe(1024 * 1024);
          for (;;) {
            const { bytesRead } = await file.read(buffer, 0, buffer.length);
            if (bytesRead === 0) break;
            hash.update(buffer.subarray(0, bytesRead));
          }
          digest = hash.digest('hex');
          if (statKey(await file.stat({ bigint: true })) !== key) {
            throw new BrokerError('ERR_CHANGED', `${path} changed while it was read`, {
              hint: 'try again',
              retryable: true,
            });
          }
          if (known.size >= maxEntries) known.clear();
          known.set(key, digest);
        }
        return {
          identity: {
            path,
            dev: String(before.dev),
            ino: String(before.ino),
            size: String(before.size),
            mtimeNs: String(before.mtimeNs),
            ctimeNs: String(before.ctimeNs),
          },
          realPath: await realpath(path),
          digest,
        };
      } finally {
        await file.close();
      }
    },
  };
}

function statKey(stats: BigIntStats): string {
  return [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(':');
}
