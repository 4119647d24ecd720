import type { Session } from './session.ts';

/** What the name in an argument or in the value of an option is the name of. */
export type NameKind =
  | 'file'
  | 'folder'
  | 'variable'
  | 'backend'
  | 'server'
  | 'request'
  | 'grant'
  | 'key';

/**
 * What a shell completes: names of a kind, or these words. Without it the placeholder says it: `FILE`,
 * `DIR`, `KEY`, `VARIABLE`, `BACKEND`, `SERVER`, and words in lower case, as in `bash|zsh|fish`, are these
 * words. `NAME` is the name of what the option or the group is called: `--backend <NAME>`.
 */
export type Completes = NameKind | readonly string[] | (() => Promise<readonly string[]>);

/** As usage shows them: `NAME`, `[NAME]`, `[NAME...]`. */
export type ArgumentSpec = readonly [name: string, summary: string, completes?: Completes];

/** As commander reads them: `--fd <N>`, `-f, --follow`. */
export type OptionSpec = readonly [flags: string, summary: string, completes?: Completes];

/** What the command tree knows of a command: all that help and checks need, and how to run it. */
export interface CommandSpec {
  readonly name: string;
  readonly summary: string;
  /** Further paragraphs of help. */
  readonly details?: string;
  readonly arguments?: readonly ArgumentSpec[];
  readonly options?: readonly OptionSpec[];
  /** Commands for a POSIX shell, which a test runs as they stand here. */
  readonly example: string;
  /** Turns what was typed into plain input, loads the function that does the work, and calls it. */
  readonly run: (given: Given, session: Session) => Promise<number>;
}

export interface GroupSpec {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly CommandSpec[];
  /** The one that the name of the group alone stands for. */
  readonly alone?: string;
  /** What `NAME` is the name of, in the arguments of its commands, where that is not the group's own name. */
  readonly names?: NameKind;
}

export type Spec = CommandSpec | GroupSpec;

export function isGroup(spec: Spec): spec is GroupSpec {
  return 'commands' in spec;
}

/** What may follow the name of a command, as help and the manual say it. */
export function usageOf({ options, arguments: args }: CommandSpec): string {
  return [
    ...(options === undefined ? [] : ['[options]']),
    ...(args ?? []).map(([name]) => name),
  ].join(' ');
}

/** What was typed for one command, by the names of its spec. */
export interface Given {
  /** One argument, or undefined. */
  argument(index: number): string | undefined;
  readonly rest: readonly string[];
  text(option: string): string | undefined;
  flag(option: string): boolean;
  /** A whole number from `least` on; throws `ERR_USAGE`. */
  whole(option: string, least?: number, most?: number): number | undefined;
}
