import type { Session } from './session.ts';

/** What the command tree knows of a command: all that help and checks need, and how to run it. */
export interface CommandSpec {
  readonly name: string;
  readonly summary: string;
  /** Further paragraphs of help. */
  readonly details?: string;
  /** As usage shows them: `NAME`, `[NAME]`, `[NAME...]`. */
  readonly arguments?: readonly (readonly [name: string, summary: string])[];
  /** As commander reads them: `--fd <N>`, `-f, --follow`. */
  readonly options?: readonly (readonly [flags: string, summary: string])[];
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
}

export type Spec = CommandSpec | GroupSpec;

export function isGroup(spec: Spec): spec is GroupSpec {
  return 'commands' in spec;
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
