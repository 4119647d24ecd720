import { BrokerError, combineErrors, toBrokerError } from '@mcp-broker/daemon/protocol';

import { reportError } from '../output/report.ts';
import type { Session } from './session.ts';

export async function showConfigPath({ output, paths }: Session): Promise<number> {
  output.result(`${paths.config}\n`, { path: paths.config });
  return 0;
}

/** Reads the file as the daemon would, and reports every problem of it. */
export async function checkConfig({ output, paths }: Session): Promise<number> {
  const file = paths.config;
  const { readConfig } = await import('@mcp-broker/daemon/config');
  try {
    const { state, unusable } = readConfig(file);
    if (unusable.length === 0) {
      const text = state === 'absent' ? `no file ${file}: the defaults apply` : `${file} is valid`;
      output.done(text, { file, state, valid: true, problems: [] });
      return 0;
    }
    if (output.json) output.result('', { file, state, valid: false, problems: unusable });
    return reportError(combineErrors(unusable.map((shape) => BrokerError.fromShape(shape))));
  } catch (error) {
    const problem = toBrokerError(error).toShape();
    const problems = problem.problems ?? [problem];
    if (output.json) output.result('', { file, valid: false, problems });
    return reportError(error);
  }
}

export async function showConfigSchema({ output }: Session): Promise<number> {
  const { configJsonSchema } = await import('@mcp-broker/daemon/config');
  const schema = configJsonSchema();
  output.result(`${JSON.stringify(schema, undefined, 2)}\n`, schema);
  return 0;
}
