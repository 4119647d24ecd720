import { basename } from 'node:path';

import { toBrokerError, type BrokerError } from '@mcp-broker/daemon/protocol';

import { parseExec, type ExecInput } from '../exec/arguments.ts';

/** How an entry of a client's file goes through the broker. */
export type Wrapped =
  | { readonly kind: 'no' }
  | { readonly kind: 'exec'; readonly input: ExecInput }
  /** It calls `mcp exec`, and in a way that fails. */
  | { readonly kind: 'wrong'; readonly problem: BrokerError };

/** Whether this command is a launch of ours: `mcp exec …`, by whichever path. */
export function wrappedBy([program = '', ...args]: readonly string[]): Wrapped {
  const name = basename(program);
  if (name !== 'mcp' && name !== 'mcp-broker') return { kind: 'no' };
  try {
    const input = parseExec(args);
    if (input === undefined) return { kind: 'no' };
    // The MCP SDK for Python has a command of the same name, which runs files.
    const isOther =
      name === 'mcp' && args[0] === 'run' && /\.py(?::|$)/u.test(input.entry?.name ?? '');
    return isOther ? { kind: 'no' } : { kind: 'exec', input };
  } catch (error) {
    return { kind: 'wrong', problem: toBrokerError(error) };
  }
}
