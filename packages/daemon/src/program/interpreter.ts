import type { LaunchPackage, ProgramFile } from '../protocol/approvals.ts';
import type { FileIdentity } from '../protocol/messages.ts';
import type { Executable } from './digests.ts';
import type { PackageSpec } from './package-spec.ts';

/** What the daemon is asked to look at; of the caller only what it would start the server with. */
export interface ProgramQuestion {
  /** As typed: a name to look up, or a path. */
  readonly command: string;
  readonly args: readonly string[];
  /** The server's PATH; null when it has none. */
  readonly searchPath: string | null;
  /** From the kernel, which is asked when it is read. Throws `ERR_DENIED` when it has gone. */
  readonly workingDirectory: string;
  /** A variable of the server's environment, as far as it is known here (`NODE_PATH`, `npm_config_cache`). */
  variable(name: string): string | undefined;
  /** Where caches of the user lie. */
  readonly home: string;
}

/** What a launch runs, as far as it can be followed. */
export interface Program {
  /** In the order in which each leads to the next; the first is the command. */
  readonly files: readonly ProgramFile[];
  /** The same order; the path of the first is what the wrapper runs. */
  readonly identities: readonly FileIdentity[];
  readonly package?: LaunchPackage;
  /** The working folder decides what runs. */
  readonly needsFolder: boolean;
  /** PATH decides what runs, beyond the command itself. */
  readonly needsPath: boolean;
  /** Content that cannot be bound: how long a grant may live at most, and why. */
  readonly limit?: { readonly ms: number; readonly reason: string };
}

/** What has been found so far, and the surroundings in which the next thing is looked for. */
export interface Trail {
  /** `env` may change it. */
  searchPath: string | null;
  readonly folder: string;
  readonly home: string;
  /** Goes to the folder that an option such as `--directory` names. */
  enter(folder: string): void;
  variable(name: string): string | undefined;
  /** What `env NAME=value` sets, or takes away. */
  setVariable(name: string, value: string | undefined): void;
  clearVariables(): void;
  /** An absolute path; a relative one depends on the folder. */
  resolve(path: string): string;
  needFolder(): void;
  needPath(): void;
  /** The first reason is the one that is told. */
  limit(reason: string): void;
  setPackage(found: LaunchPackage): void;
  /** A limit for what is asked for without an exact version. */
  pin(text: string, spec: PackageSpec): void;
  /** Hashes a file, once. Throws when it is not there: `what` says what it was to be. */
  add(role: ProgramFile['role'], path: string, what?: string): Promise<Executable | undefined>;
  /** Hashes a file where there is one. */
  addIfThere(role: ProgramFile['role'], path: string): Promise<void>;
  /** Adds what is run, and follows it: its first line, then what it is told to run. */
  follow(
    role: ProgramFile['role'],
    path: string,
    args: readonly string[],
    name?: string,
    what?: string,
  ): Promise<void>;
  /** Follows what a program, as far as its name is known, is told to run. */
  read(args: readonly string[], running: Running): Promise<void>;
  /** Finds a command that another one runs, and follows it. */
  run(command: string, args: readonly string[]): Promise<void>;
  program(): Program;
}

/** The program that reads the arguments. */
export interface Running {
  /** What it is run as; programs such as busybox go by it. */
  readonly name: string;
  /** As it was found, links not followed. */
  readonly path: string;
  readonly role: ProgramFile['role'];
}

/** Reads the arguments of a program that runs another one, and follows what they name. */
export type Interpreter = (
  trail: Trail,
  args: readonly string[],
  running: Running,
) => Promise<void> | void;
