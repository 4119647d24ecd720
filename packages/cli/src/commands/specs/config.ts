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

export const config: GroupSpec = {
  name: 'config',
  summary: 'the configuration file',
  commands: [
    { ...init, summary: 'the same as mcp init', example: 'mcp config init' },
    path,
    check,
    schema,
  ],
};
