import { basename, isAbsolute, resolve } from 'node:path';
import { BrokerError } from '@mcp-broker/providers/errors';
import type { LaunchPackage, ProgramFile } from '../protocol/approvals.ts';
import type { FileIdentity } from '../protocol/messages.ts';
import type { Digests, Executable } from './digests.ts';
import { findCommand } from './find-command.ts';
import { findInterpreter } from './interpreters.ts';
import type { Program, ProgramQuestion } from './program.ts';
import { maxShebangs, parseShebang } from './shebang.ts';

/** How long a grant lives at most where content cannot be bound. */
export const unboundMs: number = 8 * 60 * 60 * 1000;

/** What has been found so far, and the surroundings in which the next thing is looked for. */
export interface Trail {
  /** May be changed by `env`, and by options such as `--directory`. */
  searchPath: string | null;
  folder: string;
  readonly home: string;
  variable(name: string): string | undefined;
  /** What `env NAME=value` sets, or takes away. */
  setVariable(name: string, value: string | undefined): void;
  /** An absolute path; a relative one depends on the folder. */
  resolve(path: string): string;
  needFolder(): void;
  needPath(): void;
  /** The first reason is the one that is told. */
  limit(reason: string): void;
  setPackage(found: LaunchPackage): void;
  /** Hashes a file, once. Throws when it is not there: `what` says what it was to be. */
  add(role: ProgramFile['role'], path: string, what?: string): Promise<Executable | undefined>;
  /** Adds what is run, and follows it: its first line, then what it is told to run. */
  follow(
    role: ProgramFile['role'],
    path: string,
    args: readonly string[],
    name?: string,
    what?: string,
  ): Promise<void>;
  /** Finds a command that another one runs, and follows it. */
  run(command: string, args: readonly string[]): Promise<void>;
  program(): Program;
}

export function createTrail(digests: Digests, question: ProgramQuestion): Trail {
  const files: ProgramFile[] = [];
  const identities: FileIdentity[] = [];
  const seen = new Set<string>();
  const variables = new Map<string, string | undefined>();
  let [needsFolder, needsPath, depth] = [false, false, 0];
  let found: LaunchPackage | undefined;
  let reason: string | undefined;

  const trail: Trail = {
    searchPath: question.searchPath,
    folder: question.workingDirectory,
    home: question.home,
    variable: (name) => (variables.has(name) ? variables.get(name) : question.variable(name)),
    setVariable: (name, value) => void variables.set(name, value),
    resolve(path) {
      if (!isAbsolute(path)) needsFolder = true;
      return resolve(trail.folder, path);
    },
    needFolder: () => void (needsFolder = true),
    needPath: () => void (needsPath = true),
    limit: (why) => void (reason ??= why),
    setPackage: (one) => void (found ??= one),

    async add(role, path, what) {
      if (seen.has(path)) return undefined;
      seen.add(path);
      const one = await examine(digests, path, what);
      files.push({ role, path: one.realPath, digest: one.digest });
      identities.push(one.identity);
      return one;
    },

    async follow(role, path, args, name = basename(path), what) {
      const one = await trail.add(role, path, what);
      const shebang = one === undefined ? undefined : readShebang(one.head);
      if (shebang !== undefined) {
        if (++depth > maxShebangs) throw tooDeep(path);
        const { interpreter, argument } = shebang;
        await trail.follow(
          'interpreter',
          trail.resolve(interpreter),
          [...(argument === undefined ? [] : [argument]), path, ...args],
          undefined,
          `interpreter of ${path}`,
        );
      }
      const real = one === undefined ? '' : basename(one.realPath);
      const interpreter = findInterpreter(name) ?? findInterpreter(real);
      if (interpreter !== undefined) await interpreter(trail, args, name);
    },

    async run(command, args) {
      if (command.includes('/') && !isAbsolute(command)) needsFolder = true;
      const path = findCommand(command, trail.searchPath, trail.folder);
      await trail.follow('interpreter', path, args, basename(command));
    },

    program: () => ({
      files,
      identities,
      ...(found === undefined ? {} : { package: found }),
      needsFolder,
      needsPath,
      ...(reason === undefined ? {} : { limit: { ms: unboundMs, reason } }),
    }),
  };
  return trail;
}

/** What has neither a first line for an interpreter nor is a program: `execvp` gives it to a shell. */
function readShebang(head: Uint8Array): { interpreter: string; argument?: string } | undefined {
  const shebang = parseShebang(head);
  if (shebang !== undefined || process.platform !== 'linux') return shebang;
  const isElf = head[0] === 0x7f && head[1] === 0x45 && head[2] === 0x4c && head[3] === 0x46;
  return isElf ? undefined : { interpreter: '/bin/sh' };
}

async function examine(
  digests: Digests,
  path: string,
  what: string | undefined,
): Promise<Executable> {
  try {
    return await digests.examine(path);
  } catch (error) {
    if (what === undefined || !(error instanceof BrokerError)) throw error;
    if (error.code === 'ERR_COMMAND_NOT_FOUND') {
      throw new BrokerError(error.code, `${what} not found: ${path}`, {
        hint: 'install it, or correct the path in the configuration of the client',
        subject: path,
      });
    }
    if (error.code !== 'ERR_NOT_EXECUTABLE') throw error;
    throw new BrokerError(error.code, `${what} is no file that can be read: ${path}`, {
      hint: `it has to be readable to be approved: chmod +r ${path}`,
      subject: path,
    });
  }
}

function tooDeep(path: string): BrokerError {
  return new BrokerError('ERR_NOT_EXECUTABLE', `too many interpreters in a row: ${path}`, {
    hint: `the first line of a script may lead to another one ${maxShebangs} times`,
    subject: path,
  });
}
