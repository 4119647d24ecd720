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
  ],
};
