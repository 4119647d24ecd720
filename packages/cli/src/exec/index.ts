import type { ExecInput } from './arguments.ts';
import { restoreEnvironment } from './aside.ts';
import { launchEntry } from './entry.ts';
import { launchWithValues } from './launch.ts';
import { plainProgram, plainProgramBehind, startPlain } from './plain.ts';
import { draftLaunch, type Draft } from './references.ts';
import type { ServerProgram } from './server.ts';

/**
 * One launch: what the references of the command's environment stand for comes from the daemon, and
 * the server runs in our place until it ends. Gives its exit code; what stops it from starting is thrown.
 */
export async function exec(input: ExecInput): Promise<number> {
  const environment = restoreEnvironment(process.env);
  if (input.entry !== undefined) return launchEntry(input.entry, input, environment);
  const draft = draftLaunch(input, environment);
  return draft.hasReferences ? launchWithValues(draft, input) : launchPlain(draft, input);
}

/** Without references no daemon is needed, and none started. */
async function launchPlain(draft: Draft, input: ExecInput): Promise<number> {
  let program: ServerProgram;
  try {
    program = plainProgram(draft);
  } catch (error) {
    program = await plainProgramBehind(draft, input, error);
  }
  return startPlain(program, draft);
}
