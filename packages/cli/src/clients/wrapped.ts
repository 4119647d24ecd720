import { basename } from 'node:path';

import { BrokerError, toBrokerError } from '@mcp-broker/daemon/protocol';

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
    if (input === undefined)
      return isLaunch(args) ? { kind: 'wrong', problem: unknownOption() } : { kind: 'no' };
    // The MCP SDK for Python has a command of the same name, which runs files.
    const isOther =
      name === 'mcp' && args[0] === 'run' && /\.py(?::|$)/u.test(input.entry?.name ?? '');
    return isOther ? { kind: 'no' } : { kind: 'exec', input };
  } catch (error) {
    return { kind: 'wrong', problem: toBrokerError(error) };
  }
}

/** A launch that the parser leaves to the commands, which refuse it. */
function isLaunch(args: readonly string[]): boolean {
  const isHelp = args.includes('--help') || args.includes('-h');
  return args[0] === 'exec' && !isHelp;
}

function unknownOption(): BrokerError {
  return new BrokerError('ERR_USAGE', 'mcp exec does not have one of its options', {
    hint: 'see `mcp exec --help`',
  });
}
