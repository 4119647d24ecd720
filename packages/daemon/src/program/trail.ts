import { basename, isAbsolute, resolve } from 'node:path';
import { BrokerError } from '@mcp-broker/providers/errors';
import type { LaunchPackage, ProgramFile } from '../protocol/approvals.ts';
import type { FileIdentity } from '../protocol/messages.ts';
import type { Digests, Executable } from './digests.ts';
import { findCommand } from './find-command.ts';
import type { Interpreter, Program, ProgramQuestion, Running, Trail } from './interpreter.ts';
import { isFile } from './on-disk.ts';
import type { PackageSpec } from './package-spec.ts';
import { maxShebangs, parseShebang } from './shebang.ts';

/** How long a grant lives at most where content cannot be bound. */
const unboundMs: number = 8 * 60 * 60 * 1000;

export function createTrail(
  digests: Digests,
  question: ProgramQuestion,
  findInterpreter: FindInterpreter,
): Trail {
  return new ProgramTrail(digests, question, findInterpreter);
}

type FindInterpreter = (name: string) => Interpreter | undefined;

/**
 * A class, since there is one for each launch: of an object with getters of its own V8 makes a type for
 * each, and what that holds stays until the next large collection.
 */
class ProgramTrail implements Trail {
  searchPath: string | null;
  readonly #digests: Digests;
  readonly #question: ProgramQuestion;
  readonly #findInterpreter: FindInterpreter;
  readonly #files: ProgramFile[] = [];
  readonly #identities: FileIdentity[] = [];
  readonly #seen = new Set<string>();
  readonly #variables = new Map<string, string | undefined>();
  /** Another than the one that it is started in. */
  #folder: string | undefined;
  #needsFolder = false;
  #needsPath = false;
  #isCleared = false;
  #depth = 0;
  #package: LaunchPackage | undefined;
  #reason: string | undefined;

  constructor(digests: Digests, question: ProgramQuestion, findInterpreter: FindInterpreter) {
    this.#digests = digests;
    this.#question = question;
    this.#findInterpreter = findInterpreter;
    this.searchPath = question.searchPath;
  }

  get folder(): string {
    return this.#folder ?? this.#question.workingDirectory;
  }

  enter(path: string): void {
    this.#folder = this.resolve(path);
  }

  get home(): string {
    const own = this.variable('HOME');
    return own === undefined || own === '' ? this.#question.home : own;
  }

  variable(name: string): string | undefined {
    if (this.#variables.has(name) || this.#isCleared) return this.#variables.get(name);
    return this.#question.variable(name);
  }

  setVariable(name: string, value: string | undefined): void {
    this.#variables.set(name, value);
  }

  clearVariables(): void {
    this.#isCleared = true;
    this.#variables.clear();
  }

  resolve(path: string): string {
    if (isAbsolute(path)) return resolve(path);
    this.#needsFolder = true;
    return resolve(this.folder, path);
  }

  needFolder(): void {
    this.#needsFolder = true;
  }

  needPath(): void {
    this.#needsPath = true;
    // Relative elements, and the empty one, lead to the working folder.
    const elements = this.searchPath?.split(':') ?? [];
    if (elements.some((element) => !element.startsWith('/'))) this.#needsFolder = true;
  }

  limit(why: string): void {
    this.#reason ??= why;
  }

  setPackage(one: LaunchPackage): void {
    this.#package ??= one;
  }

  pin(text: string, { pinned }: PackageSpec): void {
    if (pinned === undefined) this.limit(`${text} is not pinned to a version`);
  }

  async add(
    role: ProgramFile['role'],
    path: string,
    what?: string,
  ): Promise<Executable | undefined> {
    if (this.#seen.has(path)) return undefined;
    this.#seen.add(path);
    const one = await examine(this.#digests, path, what);
    this.#files.push({ role, path: one.realPath, digest: one.digest });
    this.#identities.push(one.identity);
    return one;
  }

  async addIfThere(role: ProgramFile['role'], path: string): Promise<void> {
    if (isFile(path)) await this.add(role, path);
  }

  async follow(
    role: ProgramFile['role'],
    path: string,
    args: readonly string[],
    name: string = basename(path),
    what?: string,
  ): Promise<void> {
    const one = await this.add(role, path, what);
    const shebang = one === undefined ? undefined : readShebang(one.head);
    if (shebang !== undefined) {
      this.#depth += 1;
      if (this.#depth > maxShebangs) throw tooDeep(path);
      const { interpreter, argument } = shebang;
      await this.follow(
        'interpreter',
        this.resolve(interpreter),
        [...(argument === undefined ? [] : [argument]), path, ...args],
        undefined,
        `interpreter of ${path}`,
      );
    }
    const isKnown = this.#findInterpreter(name) !== undefined || one === undefined;
    await this.read(args, { name: isKnown ? name : basename(one.realPath), path, role });
  }

  async read(args: readonly string[], running: Running): Promise<void> {
    await this.#findInterpreter(running.name)?.(this, args, running);
  }

  async run(command: string, args: readonly string[]): Promise<void> {
    if (command.includes('/') && !isAbsolute(command)) this.#needsFolder = true;
    const path = findCommand(command, this.searchPath, () => this.folder);
    await this.follow('interpreter', path, args, basename(command));
  }

  program(): Program {
    const reason = this.#reason;
    return {
      files: this.#files,
      identities: this.#identities,
      ...(this.#package === undefined ? {} : { package: this.#package }),
      needsFolder: this.#needsFolder,
      needsPath: this.#needsPath,
      ...(reason === undefined ? {} : { limit: { ms: unboundMs, reason } }),
    };
  }
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
