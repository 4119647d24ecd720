import type { CommanderError } from 'commander';

import { BrokerError } from '@mcp-broker/daemon/protocol';

import { readCommandLine } from './command-line.ts';
import { suggestCommands } from './suggest-command.ts';

const secretOption = /^--?(password|passphrase|passwd|pass|secret|token|value|pin|api-?key)$/i;

/**
 * Refuses an option that would take a secret, wherever it stands: arguments are readable by every
 * process. What follows it is not repeated.
 */
export function refuseSecretOptions(argv: readonly string[]): void {
  const end = argv.indexOf('--');
  const found = (end === -1 ? argv : argv.slice(0, end))
    .map((argument) => argument.split('=', 1)[0] ?? '')
    .find((name) => secretOption.test(name));
  if (found === undefined) return;
  throw new BrokerError(
    'ERR_USAGE',
    `there is no option ${found}: arguments are readable by every process on this machine`,
    {
      hint: 'leave it out and you are asked, or use --fd N, or for a value --stdin; and change what you typed here',
    },
  );
}

/**
 * `mcp help secret set` as `mcp secret set --help`, and every other command line as it is. Throws for a
 * command that there is not, with those that may have been meant.
 */
export function readCommand(argv: readonly string[]): readonly string[] {
  const { help, path, unknown } = readCommandLine(argv);
  if (unknown?.kind === 'command') throw unknownCommand(unknown.word, path);
  if (help === undefined) return argv;
  const end = argv.indexOf('--');
  return [...argv.slice(0, end === -1 ? undefined : end).toSpliced(help, 1), '--help'];
}

function unknownCommand(word: string, path: readonly string[]): BrokerError {
  const meant = suggestCommands(word, path);
  const hint =
    meant.length === 0
      ? `see: ${['mcp', ...path].join(' ')} --help`
      : `did you mean ${meant.join(', ').replace(/, ([^,]*)$/u, ' or $1')}?`;
  return new BrokerError('ERR_USAGE', `unknown command ${word}`, { hint });
}

/**
 * What the parser complains about, in our words. Its own message may repeat what was typed, which may
 * have been a secret in the wrong place: of it only names of options and commands are taken.
 */
export function usageError(error: CommanderError, command: string): BrokerError {
  const help = `see: ${command} --help`;
  const suggestion = /\(Did you mean (?:one of )?(.+?)\?\)/s.exec(error.message)?.[1];
  const hint =
    error.code === 'commander.excessArguments' && command === 'mcp secret set'
      ? 'give the name alone: the value is asked for, or comes by --stdin or --fd N'
      : suggestion === undefined
        ? help
        : `did you mean ${suggestion}?`;
  return new BrokerError('ERR_USAGE', complaint(error, command), { hint, cause: error });
}

function complaint({ code, message }: CommanderError, command: string): string {
  const option = /option '(-[^' =,]*)/.exec(message)?.[1] ?? '';
  switch (code) {
    case 'commander.unknownOption':
      return `unknown option ${option.startsWith('--') ? option : option.slice(0, 2)}`;
    case 'commander.optionMissingArgument':
      return `${longOf(message) ?? option} needs a value`;
    case 'commander.missingArgument':
      return `${command} needs ${/'([^']*)'/.exec(message)?.[1] ?? 'an argument'}`;
    case 'commander.excessArguments':
      return `${command} was given too many arguments`;
    default:
      return `${command} cannot be read`;
  }
}

function longOf(message: string): string | undefined {
  return /(--[a-z][a-z-]*)/.exec(message)?.[1];
}
