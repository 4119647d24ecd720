import { BrokerError } from '@mcp-broker/daemon/protocol';
import type { ExecInput } from './arguments.ts';
import { defaultPath, lookUp } from './lookup.ts';
import type { Draft } from './references.ts';
import { becomeServer } from './replace.ts';
import { startServer, type ServerProgram } from './server.ts';
import { relaySignals } from './signals.ts';
import { fillIn } from './values.ts';

/** What is started without a word of the daemon's on its content: it gets nothing of ours. */
export function plainProgram(draft: Draft, cwd?: string, searchPath?: string): ServerProgram {
  const { args, environment } = fillIn(draft, () => '');
  if (searchPath !== undefined) environment['PATH'] = searchPath;
  const path = lookUp(draft.command, environment['PATH'], cwd);
  return { path, file: path, name: draft.command, args, environment, cwd };
}

/**
 * The same of a command that PATH does not have: with the folders of `settings.path` behind it, as the
 * daemon looks for a server with references. Nothing of it is loaded before. `missing` is what was thrown.
 */
export async function plainProgramBehind(
  draft: Draft,
  input: ExecInput,
  missing: unknown,
): Promise<ServerProgram> {
  if (!(missing instanceof BrokerError) || missing.code !== 'ERR_COMMAND_NOT_FOUND') throw missing;
  if (draft.command.includes('/')) throw missing;
  let more: readonly string[];
  try {
    const { settingsPath } = await import('../commands/index.ts');
    more = await settingsPath(input);
  } catch {
    throw new BrokerError(missing.code, missing.message, {
      hint: 'settings.path could not be read: mcp config check',
    });
  }
  const { environment } = fillIn(draft, () => '');
  const own = (environment['PATH'] ?? defaultPath).split(':');
  const others = more.filter((folder) => !own.includes(folder));
  if (others.length === 0) throw missing;
  return plainProgram(draft, undefined, [...own, ...others].join(':'));
}

/** Gives its exit code. */
export function startPlain(program: ServerProgram, { replace }: Draft): Promise<number> {
  return replace ? becomeServer(program) : startServer(program, relaySignals());
}
