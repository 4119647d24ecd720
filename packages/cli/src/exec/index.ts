import type { ExecInput } from './arguments.ts';
import { restoreEnvironment } from './aside.ts';
import { approveLaunch } from './launch.ts';
import { lookUp } from './lookup.ts';
import { draftLaunch, type Draft } from './references.ts';
import { prepareServer, type RunServer, type ServerProgram } from './server.ts';
import { fillIn } from './values.ts';

/**
 * One launch: what the references of the command's environment stand for comes from the daemon, and
 * the server runs in our place until it ends. Gives its exit code; what stops it from starting is thrown.
 */
export async function exec(input: ExecInput): Promise<number> {
  const draft = draftLaunch(input, restoreEnvironment(process.env));
  // A launch without references needs no daemon, and starts none.
  if (!draft.hasReferences) return prepareServer()(plainProgram(draft, input));

  let runServer: RunServer | undefined;
  const { program, close } = await approveLaunch(draft, input, () => {
    runServer = prepareServer();
  });
  return (runServer ?? prepareServer())(program, close);
}

function plainProgram(draft: Draft, input: ExecInput): ServerProgram {
  const { args, environment } = fillIn(draft, () => '');
  return {
    file: lookUp(draft.command, environment['PATH']),
    name: input.command,
    args,
    environment,
  };
}
