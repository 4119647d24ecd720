import { toBrokerError } from '@mcp-broker/daemon/protocol';

import type { Places } from '../output/hint.ts';
import { reportError } from '../output/report.ts';
import { Interrupted } from '../output/interrupted.ts';
import { createOutput, endOnBrokenPipe, wantsColour, writeOut } from '../output/print.ts';
import { Finished, type Dispatch } from './dispatch.ts';
import { openSession } from './open-session.ts';
import { readCommand, refuseSecretOptions } from './usage.ts';

export { settingsPath } from './settings-path.ts';

/** Runs one command, `argv` without node and script, and gives the exit status. */
export async function run(argv: readonly string[]): Promise<number> {
  endOnBrokenPipe();
  if (argv[0] === '__complete') {
    const { answerCompletion } = await import('../completion/answer.ts');
    return answerCompletion(argv.slice(1));
  }
  let status = 0;
  let places: Places = {};
  const dispatch: Dispatch = async (action, options) => {
    places = { home: options.text('home'), config: options.text('config') };
    const output = createOutput({
      json: options.flag('json'),
      quiet: options.flag('quiet'),
      colour: wantsColour(options.flag('no-color'), process.env),
      progress: process.env['TERM'] !== 'dumb',
      places,
    });
    status = await action(openSession(places, output));
  };
  try {
    refuseSecretOptions(argv);
    const read = readCommand(argv);
    const { runProgram } = await import('./program.ts');
    await runProgram(read, dispatch);
    return status;
  } catch (error) {
    if (error instanceof Interrupted) return error.exitCode;
    if (error instanceof Finished) {
      writeOut(error.text, error.exitCode === 0 ? 'result' : 'message');
      return error.exitCode;
    }
    const exitCode = reportError(error, places);
    if (argv.includes('--verbose'))
      writeOut(`mcp: code: ${toBrokerError(error).code}\n`, 'message');
    return exitCode;
  }
}
