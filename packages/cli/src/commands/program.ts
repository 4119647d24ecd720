import { Command, type AddHelpTextContext, type CommanderError } from 'commander';

import { exitCodes } from '@mcp-broker/daemon/protocol';

import { version } from '../version.ts';
import { Finished, type Dispatch } from './dispatch.ts';
import { createGiven } from './given.ts';
import { columnsOf, helpLayout } from './help.ts';
import { isGroup, usageOf, type CommandSpec, type Spec } from './spec.ts';
import { globalOptions, tree } from './tree.ts';
import { usageError } from './usage.ts';

/** `mcp` alone, or with options that every command takes. */
class NothingAsked extends Error {}

/** Parses and dispatches. It throws `Finished` and `ERR_USAGE`, and prints nothing itself. */
export async function runProgram(argv: readonly string[], dispatch: Dispatch): Promise<void> {
  const program = createProgram(dispatch);
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof NothingAsked)) throw error;
    const { showSummary } = await import('./summary.ts');
    await dispatch(showSummary, createGiven([], longNames(program)));
  }
}

/** The parser of the whole tree. */
function createProgram(dispatch: Dispatch): Command {
  const program = prepare(new Command('mcp'), 'mcp')
    .usage('[options] COMMAND')
    .description('starts MCP servers with secrets that no file holds')
    .version(version, '--version', 'print the version')
    .addHelpText('after', after('More of a command: mcp help COMMAND, or mcp COMMAND --help'));
  for (const [flags, meaning] of globalOptions) program.option(flags, meaning);

  const build = (spec: Spec, path: string): Command => {
    const command = prepare(new Command(spec.name), path).description(spec.summary);
    if (isGroup(spec)) {
      command
        .usage('COMMAND')
        .addHelpText('after', after(`More of a command: ${path} COMMAND --help`));
      for (const inner of spec.commands) {
        const isDefault = inner.name === spec.alone;
        command.addCommand(build(inner, `${path} ${inner.name}`), { isDefault });
      }
      return command;
    }
    declare(command, spec);
    return command.action(() =>
      dispatch(
        (session) => spec.run(createGiven(command.args, longNames(command)), session),
        createGiven([], longNames(program)),
      ),
    );
  };
  for (const spec of tree) program.addCommand(build(spec, `mcp ${spec.name}`));
  return program;
}

function declare(command: Command, spec: CommandSpec): void {
  const { summary: line, details, example } = spec;
  command.summary(line).description(details === undefined ? line : `${line}\n\n${details}`);
  for (const [name, meaning] of spec.arguments ?? []) command.argument(placeholder(name), meaning);
  for (const [flags, meaning] of spec.options ?? []) command.option(flags, meaning);
  command
    .usage(usageOf(spec))
    .addHelpText('after', after('Options of every command, such as --json and --home: mcp --help'))
    .addHelpText('after', `\nExample:\n${example.replaceAll(/^/gm, '  ')}`);
}

/** A paragraph below the help, no wider than that. */
function after(text: string): (context: AddHelpTextContext) => string {
  return ({ command, error }) => {
    const width = columnsOf(error ? process.stderr : process.stdout);
    return `\n${command.createHelp().boxWrap(text, width)}`;
  };
}

/** `NAME` → `<NAME>`; what is in brackets stays. `COMMAND [ARG...]` takes all that follows. */
function placeholder(name: string): string {
  if (name.startsWith('[')) return name;
  return name.includes(' ') ? '<COMMAND...>' : `<${name}>`;
}

/** Values by the long names of their options, as specs write them; commander has its own names. */
function longNames(command: Command): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    command.options.map((option) => {
      const value: unknown = command.getOptionValue(option.attributeName());
      return [option.long?.slice(2) ?? option.flags, option.negate ? value !== true : value];
    }),
  );
}

function prepare(command: Command, path: string): Command {
  let text = '';
  const collect = (more: string): void => {
    text += more;
  };
  return command
    .helpOption('-h, --help', 'show help')
    .helpCommand(false)
    .configureHelp(helpLayout)
    .allowExcessArguments(false)
    .configureOutput({
      writeOut: collect,
      writeErr: collect,
      outputError: () => {},
      getOutHelpWidth: () => columnsOf(process.stdout),
      getErrHelpWidth: () => columnsOf(process.stderr),
    })
    .exitOverride((error: CommanderError) => {
      if (error.exitCode === 0) throw new Finished(text, 0);
      if (error.code !== 'commander.help') throw usageError(error, path);
      // A command was left out: of `mcp` alone that is no mistake.
      if (path !== 'mcp') throw new Finished(text, exitCodes.ERR_USAGE);
      throw new NothingAsked();
    });
}
