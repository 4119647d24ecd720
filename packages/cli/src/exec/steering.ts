import { isInheritedSteering } from '@mcp-broker/daemon/protocol';
import type { Environment } from './aside.ts';

/**
 * The inherited variables that steer the server, for the daemon to decide on: `NAME=value`, each ended by
 * a NUL. Bytes, since a value may hold a login; the caller wipes them. None: undefined.
 */
export function steeringBytes(environment: Environment): Buffer | undefined {
  let text = '';
  for (const [name, value] of Object.entries(environment)) {
    if (isInheritedSteering(name)) text += `${name}=${value}\0`;
  }
  return text === '' ? undefined : Buffer.from(text);
}
