import type { ExecInput } from './arguments.ts';
import { restoreEnvironment } from './aside.ts';
import { launchEntry } from './entry.ts';
import { launchWithValues } from './launch.ts';
import { plainProgram, plainProgramBehind, startPlain } from './plain.ts';
import { draftLaunch, type Draft } from './references.ts';
import type { ServerProgram } from './server.ts';

export interface Ran {
  /** The server's exit code. */
  readonly exit: number;
  /** It took the whole way, by the daemon. */
  readonly asked: boolean;
}

/**
 * One launch: what the references of the command's environment stand for comes from the daemon, and
 * the server runs in our place until it ends, or we become it: then `keep` is called before, if it took
 * the whole way. What stops it from starting is thrown.
 */
export async function exec(input: ExecInput, keep: () => void): Promise<Ran> {
  const environment = restoreEnvironment(process.env);
  if (input.entry !== undefined) {
    return { exit: await launchEntry(input.entry, input, environment, keep), asked: true };
  }
  const draft = draftLaunch(input, environment);
  if (!draft.hasReferences) return { exit: await launchPlain(draft, input), asked: false };
  return { exit: await launchWithValues(draft, input, keep), asked: true };
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
