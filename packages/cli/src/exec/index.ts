import type { ExecInput } from './arguments.ts';
import { restoreEnvironment } from './aside.ts';
import { launchWithValues } from './launch.ts';
import { lookUp } from './lookup.ts';
import { draftLaunch, type Draft } from './references.ts';
import { startServer } from './server.ts';
import { relaySignals } from './signals.ts';
import { fillIn } from './values.ts';

/**
 * One launch: what the references of the command's environment stand for comes from the daemon, and
 * the server runs in our place until it ends. Gives its exit code; what stops it from starting is thrown.
 */
export function exec(input: ExecInput): Promise<number> {
  const draft = draftLaunch(input, restoreEnvironment(process.env));
  return draft.hasReferences ? launchWithValues(draft, input) : launchPlain(draft, input);
}

/** Without references no daemon is needed, and none started. */
function launchPlain(draft: Draft, input: ExecInput): Promise<number> {
  const { args, environment } = fillIn(draft, () => '');
  const path = lookUp(draft.command, environment['PATH']);
  const program = { path, file: path, name: input.command, args, environment };
  return startServer(program, relaySignals());
}
