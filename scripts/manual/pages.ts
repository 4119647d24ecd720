import { isGroup, usageOf, type CommandSpec } from '../../packages/cli/src/commands/spec.ts';
import { tree } from '../../packages/cli/src/commands/tree.ts';
import { exitCodes } from '../../packages/providers/src/errors.ts';

/** A command as the manual has it: from the spec that its `--help` comes from. */
export interface Entry {
  /** `mcp secret set`. */
  readonly command: string;
  /** `mcp secret set [options] NAME`. */
  readonly usage: string;
  readonly spec: CommandSpec;
}

/** A page: one command, or a group with all of its commands. */
export interface Page {
  /** `secret`. */
  readonly name: string;
  readonly summary: string;
  /** The name of the group alone stands for this one. */
  readonly alone: string | undefined;
  readonly isGroup: boolean;
  readonly entries: readonly Entry[];
}

export const pages: readonly Page[] = tree.map((spec) => ({
  name: spec.name,
  summary: spec.summary,
  alone: isGroup(spec) ? spec.alone : undefined,
  isGroup: isGroup(spec),
  entries: isGroup(spec)
    ? spec.commands.map((inner) => entryOf(inner, `mcp ${spec.name} ${inner.name}`))
    : [entryOf(spec, `mcp ${spec.name}`)],
}));

function entryOf(spec: CommandSpec, command: string): Entry {
  return { command, usage: `${command} ${usageOf(spec)}`.trimEnd(), spec };
}

export const about = 'starts MCP servers with secrets that no file holds';

export const environment: readonly (readonly [name: string, meaning: string])[] = [
  ['MCP_HOME', 'the home, an absolute path, where --home is not given'],
  ['NO_COLOR', 'when it is not empty: no colour, as with --no-color'],
];

export const files: readonly (readonly [path: string, meaning: string])[] = [
  ['~/.mcp', 'the home'],
  ['~/.mcp/config.yaml', 'the configuration, which names secrets and holds none'],
  ['~/.mcp/secrets.age', 'the sealed file: secrets, as an age file'],
  ['~/.mcp/audit', 'the audit log'],
];

const exitMeanings: Readonly<Record<number, string>> = {
  64: 'the command line makes no sense',
  66: 'a file, server, variable or request that was named does not exist',
  69: 'the daemon or a backend cannot be reached',
  70: 'a bug of ours',
  75: 'locked: unlock, and try again',
  77: 'denied, or not approved yet',
  78: 'a home, a file of it or the configuration cannot be used as it is',
};

/** Every status that an error of ours has. Throws for one that has no words here. */
export const exits: readonly (readonly [status: string, meaning: string])[] = [
  ['0', 'done'],
  ['1', 'a check that was asked for failed'],
  ...[...new Set(Object.values(exitCodes))]
    .toSorted((one, other) => one - other)
    .filter((status) => status > 1 && status < 126)
    .map((status): readonly [string, string] => {
      const meaning = exitMeanings[status];
      if (meaning === undefined)
        throw new Error(`scripts/manual/pages.ts: what is exit ${status}?`);
      return [String(status), meaning];
    }),
  ['126, 127', 'a server cannot be executed, or is not found'],
];
