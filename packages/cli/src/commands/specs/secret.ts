import { BrokerError } from '@mcp-broker/daemon/protocol';

import type { CommandSpec, Given, GroupSpec } from '../spec.ts';

const set: CommandSpec = {
  name: 'set',
  summary: 'keep a value under a name',
  details:
    'The value is asked for on the terminal and not shown. No option takes it, since every process can ' +
    'read the arguments of another. What comes by --stdin or --fd is kept byte for byte.',
  arguments: [['NAME', 'letters, digits and _, as in $<NAME>']],
  options: [
    ['--backend <NAME>', 'where to keep it; the name gets an entry under variables in config.yaml'],
    ['--stdin', 'read the value from stdin'],
    ['--fd <N>', 'read the value from descriptor N'],
    ['--generate', 'make a random value of letters and digits'],
    ['--length <N>', 'how long to make it (default 32)'],
  ],
  example: 'mcp secret set API_TOKEN\nmcp secret set SESSION_KEY --generate --length 48',
  async run(given, session) {
    const source = sourceOf(given);
    const { setSecret } = await import('../secrets.ts');
    const name = given.argument(0) ?? '';
    return setSecret({ name, backend: given.text('backend'), source }, session);
  },
};

function sourceOf(given: Given): { generate: number } | { stdin: boolean; fd: number | undefined } {
  const fd = given.whole('fd');
  const length = given.whole('length', 1, 4096);
  const ways = [given.flag('stdin'), fd !== undefined, given.flag('generate')];
  if (ways.filter(Boolean).length > 1) {
    throw new BrokerError('ERR_USAGE', 'use one of --stdin, --fd and --generate', {
      hint: 'see: mcp secret set --help',
    });
  }
  if (given.flag('generate')) return { generate: length ?? 32 };
  if (length !== undefined)
    throw new BrokerError('ERR_USAGE', '--length goes with --generate', {
      hint: 'mcp secret set NAME --generate --length N',
    });
  return { stdin: given.flag('stdin'), fd };
}

const list: CommandSpec = {
  name: 'list',
  summary: 'show names and what is known of their values',
  options: [['--backend <NAME>', 'of this backend']],
  example: 'mcp secret list --json',
  async run(given, session) {
    const { listSecrets } = await import('../secrets.ts');
    return listSecrets({ backend: given.text('backend') }, session);
  },
};

const show: CommandSpec = {
  name: 'show',
  summary: 'show what is known of one value, and with --reveal the value',
  details:
    'With --reveal the value goes to the terminal and nowhere else, after a code that is shown there was ' +
    'typed, or with the passphrase of the sealed file; the audit has a line of it.',
  arguments: [['NAME', 'the variable']],
  options: [
    ['--reveal', 'show the value too'],
    ['--fd <N>', 'with --reveal: read the passphrase of the sealed file from descriptor N'],
  ],
  example: 'mcp secret show API_TOKEN\nmcp secret show API_TOKEN --reveal',
  async run(given, session) {
    const name = given.argument(0) ?? '';
    const fd = given.whole('fd');
    if (given.flag('reveal')) {
      const { revealSecret } = await import('../reveal.ts');
      return revealSecret({ name, fd }, session);
    }
    if (fd !== undefined) {
      throw new BrokerError('ERR_USAGE', '--fd goes with --reveal', {
        hint: 'mcp secret show NAME --reveal --fd N',
      });
    }
    const { showSecret } = await import('../secrets.ts');
    return showSecret({ name }, session);
  },
};

const rm: CommandSpec = {
  name: 'rm',
  summary: 'remove a value for good',
  arguments: [['NAME', 'the variable']],
  example: 'mcp secret rm API_TOKEN',
  async run(given, session) {
    const { removeSecret } = await import('../secrets.ts');
    return removeSecret({ name: given.argument(0) ?? '' }, session);
  },
};

const history: CommandSpec = {
  name: 'history',
  summary: 'show the versions of one value that its store keeps, and what the audit tells of it',
  details:
    'The value itself is no part of it. The sealed file and the keychain keep the newest version alone.',
  arguments: [['NAME', 'the variable']],
  example: 'mcp secret history API_TOKEN',
  async run(given, session) {
    const { showHistory } = await import('../secret-history.ts');
    return showHistory({ name: given.argument(0) ?? '' }, session);
  },
};

const mv: CommandSpec = {
  name: 'mv',
  summary: 'move a value to another backend',
  details:
    'The value is written to the other backend, read back and compared. Then its entry under variables in ' +
    'config.yaml leads there, and it is removed from where it was. Whenever this is cut short, the name ' +
    'leads to the value, and the same command goes on.',
  arguments: [['NAME', 'the variable']],
  options: [['--to <BACKEND>', 'the backend that it goes to', 'backend']],
  example: 'mcp secret mv API_TOKEN --to sealed',
  async run(given, session) {
    const { moveSecret } = await import('../secrets.ts');
    return moveSecret({ name: given.argument(0) ?? '', to: given.text('to') }, session);
  },
};

export const secret: GroupSpec = {
  name: 'secret',
  summary: 'keep, list and remove secret values',
  commands: [set, list, show, history, mv, rm],
  names: 'variable',
};

const clear: CommandSpec = {
  name: 'clear',
  summary: 'forget values in memory, so that they are read anew',
  arguments: [['[NAME...]', 'these alone']],
  example: 'mcp cache clear API_TOKEN',
  async run(given, session) {
    const { clearCache } = await import('../locking.ts');
    return clearCache({ names: given.rest }, session);
  },
};

export const cache: GroupSpec = {
  name: 'cache',
  summary: 'the values in memory',
  commands: [clear],
  names: 'variable',
};
