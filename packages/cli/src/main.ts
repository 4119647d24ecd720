import { parseExec, type ExecInput } from './exec/arguments.ts';
import { exec } from './exec/index.ts';
import { giveUpStreams, leave } from './exec/stdio.ts';
import { reportError } from './output/report.ts';

/** The exit code; never rejects. */
async function main(argv: readonly string[]): Promise<number> {
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

// No top-level await: what is built is CommonJS, which Node starts sooner.
void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
