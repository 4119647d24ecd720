import { basename, isAbsolute, resolve } from 'node:path';
import { BrokerError } from '@mcp-broker/providers/errors';
import type { LaunchPackage, ProgramFile } from '../protocol/approvals.ts';
import type { FileIdentity } from '../protocol/messages.ts';
import type { Digests, Executable } from './digests.ts';
import { findCommand } from './find-command.ts';
import type { Interpreter, ProgramQuestion, Trail } from './interpreter.ts';
import { isFile } from './on-disk.ts';
import { maxShebangs, parseShebang } from './shebang.ts';

/** How long a grant lives at most where content cannot be bound. */
const unboundMs: number = 8 * 60 * 60 * 1000;

export function createTrail(
  digests: Digests,
  question: ProgramQuestion,
  findInterpreter: (name: string) => Interpreter | undefined,
): Trail {
  const files: ProgramFile[] = [];
  const identities: FileIdentity[] = [];
  const seen = new Set<string>();
  const variables = new Map<string, string | undefined>();
  let folder = question.workingDirectory;
  let [needsFolder, needsPath, isCleared, depth] = [false, false, false, 0];
  let found: LaunchPackage | undefined;
  let reason: string | undefined;

  const trail: Trail = {
    searchPath: question.searchPath,
    get folder() {
      return folder;
    },
    enter: (path) => void (folder = trail.resolve(path)),
    get home() {
      const own = trail.variable('HOME');
      return own === undefined || own === '' ? question.home : own;
    },
    variable(name) {
      if (variables.has(name) || isCleared) return variables.get(name);
      return question.variable(name);
    },
    setVariable: (name, value) => void variables.set(name, value),
    clearVariables() {
      isCleared = true;
      variables.clear();
    },
    resolve(path) {
      if (!isAbsolute(path)) needsFolder = true;
      return resolve(folder, path);
    },
    needFolder: () => void (needsFolder = true),
    needPath() {
      needsPath = true;
      // Relative elements, and the empty one, lead to the working folder.
      const elements = trail.searchPath?.split(':') ?? [];
      if (elements.some((element) => !element.startsWith('/'))) needsFolder = true;
    },
    limit: (why) => void (reason ??= why),
    setPackage: (one) => void (found ??= one),
    pin(text, { pinned }) {
      if (pinned === undefined) trail.limit(`${text} is not pinned to a version`);
    },

    async add(role, path, what) {
      if (seen.has(path)) return undefined;
      seen.add(path);
      const one = await examine(digests, path, what);
      files.push({ role, path: one.realPath, digest: one.digest });
      identities.push(one.identity);
      return one;
    },

    async addIfThere(role, path) {
      if (isFile(path)) await trail.add(role, path);
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
      const isKnown = findInterpreter(name) !== undefined || one === undefined;
      await trail.read(args, { name: isKnown ? name : basename(one.realPath), path, role });
    },

    async read(args, running) {
      await findInterpreter(running.name)?.(trail, args, running);
    },

    async run(command, args) {
      if (command.includes('/') && !isAbsolute(command)) needsFolder = true;
      const path = findCommand(command, trail.searchPath, folder);
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
