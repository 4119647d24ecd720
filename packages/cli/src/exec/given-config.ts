import { statSync } from 'node:fs';
import { BrokerError } from '@mcp-broker/daemon/protocol';

/**
 * `--config` names a file that has to be there: a mistyped one would be an environment of its own, with
 * the defaults. Throws `ERR_NOT_FOUND`.
 */
export function requireConfig(file: string): void {
  if (statSync(file, { throwIfNoEntry: false }) !== undefined) return;
  throw new BrokerError('ERR_NOT_FOUND', `there is no config file ${file}`, {
    hint: 'correct the path after --config, or make the file: mcp init',
  });
}
