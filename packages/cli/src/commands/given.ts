import { BrokerError } from '@mcp-broker/daemon/protocol';

import type { Given } from './spec.ts';

/** Wraps what the parser of the command line found, so that commands get checked values. */
export function createGiven(
  args: readonly string[],
  options: Readonly<Record<string, unknown>>,
): Given {
  const text = (option: string): string | undefined => {
    const value = options[option];
    if (value === '')
      throw new BrokerError('ERR_USAGE', `--${option} needs a value`, { hint: 'it was empty' });
    return typeof value === 'string' ? value : undefined;
  };
  return {
    argument: (index) => args[index],
    rest: args,
    text,
    flag: (option) => options[option] === true,
    whole(option, least = 0, most = Number.MAX_SAFE_INTEGER) {
      const value = text(option);
      if (value === undefined) return undefined;
      const number = Number(value);
      if (/^\d{1,15}$/.test(value) && number >= least && number <= most) return number;
      // Without what was typed: a passphrase lands here when someone takes `--fd` for a place to put it.
      throw new BrokerError('ERR_USAGE', `--${option} takes a whole number ${span(least, most)}`, {
        hint: `for instance: --${option} ${Math.max(least, 3)}`,
      });
    },
  };
}

function span(least: number, most: number): string {
  return most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`;
}
