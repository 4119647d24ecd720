import {
  isLaunch,
  longName,
  readCommandLine,
  takesValue,
  type CommandLine,
} from '../commands/command-line.ts';
import { isGroup, type Completes, type NameKind, type OptionSpec } from '../commands/spec.ts';

/** A word to offer, and a few words about it. */
export interface Candidate {
  readonly word: string;
  readonly about?: string | undefined;
}

export interface Completion {
  readonly candidates: readonly Candidate[];
  /** What the shell adds where there is no candidate. */
  readonly files: 'files' | 'folders' | 'none';
}

/** Where names come from. A name that cannot be had is left out: nothing here throws. */
export interface Names {
  of(kind: Exclude<NameKind, 'file' | 'folder'>, line: CommandLine): Promise<readonly Candidate[]>;
  /** What PATH has that begins so. */
  programs(start: string): Promise<readonly Candidate[]>;
}

const none: Completion = { candidates: [], files: 'none' };

/** What the last word of a command line can become. `before`: those between `mcp` and it. */
export async function complete(
  before: readonly string[],
  current: string,
  names: Names,
): Promise<Completion> {
  const line = readCommandLine(before);
  if (line.unknown !== undefined) return none;
  const found = await propose(line, current, names);
  return { ...found, candidates: found.candidates.filter(({ word }) => word.startsWith(current)) };
}

async function propose(line: CommandLine, current: string, names: Names): Promise<Completion> {
  const { command, args, due } = line;
  if (due !== undefined) return wordsOf(ofOption(due), line, names);
  if (isLaunch(command) && (line.ended || args.length > 0)) return program(line, current, names);
  if (!line.ended && current.startsWith('-')) return option(line, current, names);
  if (line.names.length > 0) {
    return {
      candidates: [
        ...line.names.map(({ name, summary }) => ({ word: name, about: summary })),
        ...(line.help === undefined ? [{ word: 'help', about: 'show help of a command' }] : []),
      ],
      files: 'none',
    };
  }
  if (command === undefined || line.help !== undefined) return none;
  if (isLaunch(command)) return launch(line, current, names);
  return wordsOf(ofArgument(line), line, names);
}

async function option(line: CommandLine, current: string, names: Names): Promise<Completion> {
  const equals = current.indexOf('=');
  if (equals !== -1) {
    const name = current.slice(0, equals);
    const spec = line.options.find((each) => longName(each) === name && takesValue(each));
    if (spec === undefined) return none;
    const { candidates, files } = await wordsOf(ofOption(spec), line, names);
    return {
      candidates: candidates.map((each) => ({ ...each, word: `${name}=${each.word}` })),
      files,
    };
  }
  const own = line.options.map((spec) => ({ word: longName(spec), about: spec[1] }));
  const version = { word: '--version', about: 'print the version' };
  return {
    candidates: [
      ...own,
      { word: '--help', about: 'show help' },
      ...(line.path.length === 0 ? [version] : []),
    ],
    files: 'none',
  };
}

/** The name of a server, and what else it may be when none begins so: a program. */
async function launch(line: CommandLine, current: string, names: Names): Promise<Completion> {
  // A client's file has names of its own.
  if (line.values.has('--from')) return none;
  const servers = (await names.of('server', line)).filter(isSafe);
  if (servers.some(({ word }) => word.startsWith(current))) {
    return { candidates: servers, files: 'none' };
  }
  return program(line, current, names);
}

async function program(line: CommandLine, current: string, names: Names): Promise<Completion> {
  const isPath = line.args.length > 0 || /[/~.]/u.test(current);
  const programs = isPath ? [] : await names.programs(current);
  return { candidates: programs.filter(isSafe), files: 'files' };
}

async function wordsOf(
  what: Completes | undefined,
  line: CommandLine,
  names: Names,
): Promise<Completion> {
  if (what === undefined) return none;
  if (what === 'file') return { candidates: [], files: 'files' };
  if (what === 'folder') return { candidates: [], files: 'folders' };
  if (typeof what === 'string') {
    return { candidates: (await names.of(what, line)).filter(isSafe), files: 'none' };
  }
  const words = typeof what === 'function' ? await what() : what;
  return { candidates: words.map((word) => ({ word })), files: 'none' };
}

function ofOption(spec: OptionSpec): Completes | undefined {
  const [flags, , completes] = spec;
  return completes ?? ofPlaceholder(/<(.*)>/u.exec(flags)?.[1] ?? '', longName(spec).slice(2));
}

function ofArgument({ command, group, args }: CommandLine): Completes | undefined {
  const specs = command?.arguments ?? [];
  const last = specs.at(-1);
  const spec = specs[args.length] ?? (last?.[0].includes('...') === true ? last : undefined);
  if (spec === undefined) return undefined;
  const named = group !== undefined && isGroup(group) ? (group.names ?? group.name) : '';
  return spec[2] ?? ofPlaceholder(spec[0].replaceAll(/[[\]]|\.\.\./gu, ''), named);
}

const placeholders: Readonly<Record<string, NameKind>> = {
  FILE: 'file',
  DIR: 'folder',
  KEY: 'key',
  VARIABLE: 'variable',
  BACKEND: 'backend',
  SERVER: 'server',
};

/** `named`: what `NAME` is the name of. */
function ofPlaceholder(placeholder: string, named: string): Completes | undefined {
  if (placeholder === 'NAME') return placeholders[named.toUpperCase()];
  const parts = placeholder.split('|');
  if (parts.every((part) => /^[a-z][a-z0-9-]*$/u.test(part))) return parts;
  return parts.map((part) => placeholders[part]).find((kind) => kind !== undefined);
}

/**
 * A name goes into a command line as it stands. One that a shell would act on, or that would be taken for
 * an option, is not offered: what callers say of themselves is among them.
 */
function isSafe({ word }: Candidate): boolean {
  return /^\w[\w./+-]*$/u.test(word);
}
