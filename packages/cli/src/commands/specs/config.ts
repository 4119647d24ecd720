import type { CommandSpec, GroupSpec } from '../spec.ts';
import { init } from './basics.ts';

const path: CommandSpec = {
  name: 'path',
  summary: 'print where the configuration lies',
  example: 'ls -l "$(mcp config path)"',
  async run(_given, session) {
    const { showConfigPath } = await import('../config.ts');
    return showConfigPath(session);
  },
};

const check: CommandSpec = {
  name: 'check',
  summary: 'read the configuration and report every problem',
  details: 'Exit status 78 when there is one.',
  example: 'mcp config check',
  async run(_given, session) {
    const { checkConfig } = await import('../config.ts');
    return checkConfig(session);
  },
};

const schema: CommandSpec = {
  name: 'schema',
  summary: 'print the JSON Schema of the configuration, for an editor',
  example: 'mcp config schema > mcp-config.schema.json',
  async run(_given, session) {
    const { showConfigSchema } = await import('../config.ts');
    return showConfigSchema(session);
  },
};

const addCommandBackend: CommandSpec = {
  name: 'add-command-backend',
  summary: 'reach any other store through its own tool',
  details:
    'The command lines are split into words as by a shell, and run without one. {name} in them is the ' +
    'variable; without it the name is the last argument. --get prints the value, of which one newline at the ' +
    'end is taken off; --set has the value on its stdin; --list prints the names, one a line. Nothing runs ' +
    'before you have approved it here, and a changed tool is asked for again.',
  arguments: [['NAME', 'what to call it']],
  options: [
    ['--get <COMMAND>', "prints the value, such as 'pass show {name}'"],
    ['--set <COMMAND>', 'takes a new value on stdin'],
    ['--list <COMMAND>', 'prints the names, one a line'],
    ['--env <VARIABLES>', "variables for it, such as 'A=1 B=2'; never a secret"],
    ['--timeout <TIME>', 'how long one run may take (default 25s)'],
    ['--not-found-exit <N>', 'what it exits with when there is no such secret'],
    ['--denied-exit <N>', 'what it exits with when it refuses'],
    ['--fd <N>', 'read the passphrase of the sealed file from descriptor N'],
  ],
  example: "mcp config add-command-backend team --get 'cat team-secrets/{name}'",
  async run(given, session) {
    const commands = await import('../command-backend.ts');
    return commands.addCommandBackend(
      {
        name: given.argument(0) ?? '',
        get: given.text('get'),
        set: given.text('set'),
        list: given.text('list'),
        env: given.text('env'),
        timeout: given.text('timeout'),
        notFoundExit: given.whole('not-found-exit', 1, 255),
        deniedExit: given.whole('denied-exit', 1, 255),
        fd: given.whole('fd'),
      },
      session,
    );
  },
};

const removeBackend: CommandSpec = {
  name: 'remove-backend',
  summary: 'take a backend out of the configuration',
  details: 'What lies in its store stays there. Refused while something in the file names it.',
  arguments: [['NAME', 'which backend']],
  example: 'mcp config remove-backend team',
  async run(given, session) {
    const commands = await import('../command-backend.ts');
    return commands.removeBackend(given.argument(0) ?? '', session);
  },
};

const get: CommandSpec = {
  name: 'get',
  summary: 'print what counts at a key of the configuration',
  details: 'A key that is not set has its default. What is no single value is printed as JSON.',
  arguments: [['KEY', 'such as settings.ttl, servers."my.server".env.TOKEN, ssh_servers[0].port']],
  example: 'mcp config get settings.ttl',
  async run(given, session) {
    const { getKey } = await import('../config-keys.ts');
    return getKey({ key: given.argument(0) ?? '' }, session);
  },
};

const set: CommandSpec = {
  name: 'set',
  summary: 'set a key of the configuration',
  details:
    'The comments and the order of the file stay. Nothing is written unless the whole file is good ' +
    'afterwards, and the daemon that runs takes it at once. No value of a secret belongs there.',
  arguments: [
    ['KEY', 'such as settings.ttl, servers."my.server".env.TOKEN, ssh_servers[0].port'],
    ['VALUE', 'JSON for a list or a mapping; null takes the key away'],
  ],
  example: 'mcp config set settings.ttl 10m',
  async run(given, session) {
    const { setKey } = await import('../config-keys.ts');
    return setKey({ key: given.argument(0) ?? '', value: given.argument(1) ?? '' }, session);
  },
};

const list: CommandSpec = {
  name: 'list',
  summary: 'show every key that counts, and whether it stands in the file or is a default',
  example: 'mcp config list',
  async run(_given, session) {
    const { listKeys } = await import('../config-keys.ts');
    return listKeys(session);
  },
};

const edit: CommandSpec = {
  name: 'edit',
  summary: 'open the configuration in your editor',
  details:
    'VISUAL, else EDITOR, opens a copy, which takes the place of the file once it is good. When it is ' +
    'not, you are asked whether to edit it again; without a terminal the file stays as it was.',
  example: 'EDITOR=true mcp config edit',
  async run(_given, session) {
    const { editConfig } = await import('../config-edit.ts');
    return editConfig(session);
  },
};

export const config: GroupSpec = {
  name: 'config',
  summary: 'the configuration file',
  commands: [
    { ...init, summary: 'the same as mcp init', example: 'mcp config init' },
    path,
    check,
    get,
    set,
    list,
    edit,
    schema,
    addCommandBackend,
    removeBackend,
  ],
};
