import { parseExec, type ExecInput } from './exec/arguments.ts';
import { exec } from './exec/index.ts';
import { giveUpStreams, leave } from './exec/stdio.ts';
import { setLoaded, type Loaded } from './loaded.ts';
import { reportError } from './output/report.ts';

/** The exit code; never rejects. */
export async function main(argv: readonly string[], loaded?: Loaded): Promise<number> {
  if (loaded !== undefined) setLoaded(loaded);
  let input: ExecInput | undefined;
  try {
    input = parseExec(argv);
    if (input !== undefined) {
      giveUpStreams();
      leave(await exec(input));
    }
    const { run } = await import('./commands/index.ts');
    return await run(argv);
  } catch (error) {
    return reportError(error, input);
  }
}
