import { toBrokerError } from '@mcp-broker/daemon/protocol';

import { reportError } from '../output/report.ts';
import { Interrupted } from '../output/interrupted.ts';
import { createOutput, endOnBrokenPipe, wantsColour, writeOut } from '../output/print.ts';
import { createProgram, Finished } from './program.ts';
import { openSession } from './open-session.ts';
import { refuseSecretOptions } from './usage.ts';

/** Runs one command, `argv` without node and script, and gives the exit status. */
export async function run(argv: readonly string[]): Promise<number> {
  endOnBrokenPipe();
  let status = 0;
  const program = createProgram(async (action, options) => {
    const output = createOutput({
      json: options.flag('json'),
      quiet: options.flag('quiet'),
      colour: wantsColour(options.flag('no-color'), process.env),
    });
    const places = { home: options.text('home'), config: options.text('config') };
    status = await action(openSession(places, output));
  });
  try {
    refuseSecretOptions(argv);
    await program.parseAsync([...argv], { from: 'user' });
    return status;
  } catch (error) {
    if (error instanceof Interrupted) return error.exitCode;
    if (error instanceof Finished) {
      writeOut(error.text, error.exitCode === 0 ? 'result' : 'message');
      return error.exitCode;
    }
    const exitCode = reportError(error);
    if (argv.includes('--verbose'))
      writeOut(`mcp: code: ${toBrokerError(error).code}\n`, 'message');
    return exitCode;
  }
}
