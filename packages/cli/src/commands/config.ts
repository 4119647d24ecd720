import {
  BrokerError,
  combineErrors,
  toBrokerError,
  type ErrorShape,
} from '@mcp-broker/daemon/protocol';

import type { Settings } from '@mcp-broker/daemon/config';
import { requireConfig } from '../exec/given-config.ts';
import { isThere } from './home.ts';
import type { Session } from './session.ts';

export async function showConfigPath({ output, paths }: Session): Promise<number> {
  output.result(`${paths.config}\n`, { path: paths.config });
  return 0;
}

/** Reads the file as the daemon would, and reports every problem of it. */
export async function checkConfig(session: Session): Promise<number> {
  const { output, paths } = session;
  const file = paths.config;
  const { state, problems } = await lookAtConfig(session);
  if (problems.length === 0) {
    const text = state === 'absent' ? `no file ${file}: the defaults apply` : `${file} is valid`;
    output.done(text, { file, state, valid: true, problems });
    return 0;
  }
  if (output.json) output.result('', { file, state, valid: false, problems });
  throw combineErrors(problems.map((shape) => BrokerError.fromShape(shape)));
}

/** What the file on the disk is, and every problem of it; one of `--config` has to be there. */
export async function lookAtConfig({
  paths,
  configGiven,
}: Session): Promise<{ state?: 'loaded' | 'absent'; problems: readonly ErrorShape[] }> {
  try {
    if (configGiven) requireConfig(paths.config);
    const { readConfig } = await import('@mcp-broker/daemon/config');
    const { state, unusable, config } = readConfig(paths.config);
    const lacking = needsSealedFile(paths, config.settings);
    return { state, problems: lacking === undefined ? unusable : [...unusable, lacking] };
  } catch (error) {
    const problem = toBrokerError(error).toShape();
    return { problems: problem.problems ?? [problem] };
  }
}

/** The daemon refuses each approval with it. */
function needsSealedFile(
  { config, keychain, identity }: Session['paths'],
  { presence, identityFile }: Settings,
): ErrorShape | undefined {
  const hasPassphrase = identityFile === undefined && isThere(identity);
  if (presence === 'terminal' || !isThere(keychain) || hasPassphrase) return undefined;
  return {
    code: 'ERR_CONFIG',
    message: `${config}: settings.presence: passphrase needs a sealed file, and this home is on the keychain alone`,
    hint: 'mcp init --backend sealed makes one; or remove the setting',
  };
}

export async function showConfigSchema({ output }: Session): Promise<number> {
  const { configJsonSchema } = await import('@mcp-broker/daemon/config');
  const schema = configJsonSchema();
  output.result(`${JSON.stringify(schema, undefined, 2)}\n`, schema);
  return 0;
}
