import { keepCompiled, type Compiled } from './compiled.ts';
import { parseExec, type ExecInput } from './exec/arguments.ts';
import { exec } from './exec/index.ts';
import { giveUpStreams, leave } from './exec/stdio.ts';
import { reportError } from './output/report.ts';

/** The exit code; never rejects. */
export async function main(argv: readonly string[], compiled?: Compiled): Promise<number> {
  let input: ExecInput | undefined;
  try {
    input = parseExec(argv);
    if (input !== undefined) {
      giveUpStreams();
      const keep = (): void => {
        if (compiled !== undefined) keepCompiled(compiled);
      };
      const { exit, asked } = await exec(input, keep);
      if (asked) keep();
      leave(exit);
    }
    if (compiled?.folder !== undefined) {
      process.getBuiltinModule('node:module').enableCompileCache(compiled.folder);
    }
    const { run } = await import('./commands/index.ts');
    return await run(argv);
  } catch (error) {
    return reportError(error, input);
  }
}
