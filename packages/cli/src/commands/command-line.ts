import { isGroup, type CommandSpec, type OptionSpec, type Spec } from './spec.ts';
import { globalOptions, tree } from './tree.ts';

/** What a command line says as far as it goes: the command, and what was given to it. */
export interface CommandLine {
  /** Names, from the outside in. */
  readonly path: readonly string[];
  /** What may follow as the name of a command; none once a command is reached. */
  readonly names: readonly Spec[];
  /** The command; of a group alone the one that it stands for. */
  readonly command: CommandSpec | undefined;
  /** What `NAME` stands for in its arguments. */
  readonly group: Spec | undefined;
  /** Every option that is known here. */
  readonly options: readonly OptionSpec[];
  /** The last word is an option that takes a value, and this is it. */
  readonly due: OptionSpec | undefined;
  readonly args: readonly string[];
  /** By long name, `--home`; the last one counts. */
  readonly values: ReadonlyMap<string, string>;
  /** `--` was there: no more options. */
  readonly ended: boolean;
  /** At the first of these the rest was not read. */
  readonly unknown: { readonly kind: 'command' | 'option'; readonly word: string } | undefined;
  /** The word `help` stood where a name of a command would, at this index. */
  readonly help: number | undefined;
}

/** Reads the words after `mcp`. It takes any words, and throws nothing. */
export function readCommandLine(words: readonly string[]): CommandLine {
  const path: string[] = [];
  const args: string[] = [];
  const values = new Map<string, string>();
  let names: readonly Spec[] = tree;
  let group: Spec | undefined;
  let command: CommandSpec | undefined;
  let due: OptionSpec | undefined;
  let ended = false;
  let unknown: CommandLine['unknown'];
  let help: number | undefined;
  const options = (): readonly OptionSpec[] => [...(command?.options ?? []), ...globalOptions];

  for (const [index, word] of words.entries()) {
    if (due !== undefined) {
      values.set(longName(due), word);
      due = undefined;
    } else if (ended || (args.length > 0 && isLaunch(command))) {
      args.push(word);
    } else if (word === '--') {
      ended = true;
    } else if (word.length > 1 && word.startsWith('-')) {
      const [name = word, ...value] = word.split('=');
      const option = findOption(options(), name);
      if (option === undefined) {
        if (['-h', '--help', '--version'].includes(name)) continue;
        unknown = { kind: 'option', word: name };
        break;
      }
      if (takesValue(option)) {
        if (word.startsWith('--') ? value.length > 0 : word.length > 2) {
          values.set(longName(option), value.join('='));
        } else due = option;
      }
    } else if (names.length === 0) {
      args.push(word);
    } else if (word === 'help' && help === undefined) {
      help = index;
    } else {
      const spec = names.find(({ name }) => name === word);
      if (spec === undefined) {
        unknown = { kind: 'command', word };
        break;
      }
      path.push(word);
      if (isGroup(spec)) {
        names = spec.commands;
        group = spec;
        command = spec.commands.find(({ name }) => name === spec.alone);
      } else {
        names = [];
        command = spec;
      }
    }
  }
  return {
    path,
    names,
    command,
    group,
    options: options(),
    due,
    args,
    values,
    ended,
    unknown,
    help,
  };
}

/** Its arguments are the command line of another program, which has options of its own. */
export function isLaunch(command: CommandSpec | undefined): boolean {
  return command?.arguments?.some(([name]) => name.includes(' ')) === true;
}

export function takesValue([flags]: OptionSpec): boolean {
  return flags.includes('<');
}

/** `--lines` of `-n, --lines <N>`. */
export function longName([flags]: OptionSpec): string {
  return /--[a-z][a-z0-9-]*/u.exec(flags)?.[0] ?? flags;
}

/** By its long name, by its short one, or by a short one with its value: `-n5`. */
function findOption(options: readonly OptionSpec[], name: string): OptionSpec | undefined {
  const wanted = name.startsWith('--') ? name : name.slice(0, 2);
  return options.find(([flags]) => flags.replace(/ ?<.*/u, '').split(', ').includes(wanted));
}
