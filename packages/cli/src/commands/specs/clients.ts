import type { CommandSpec } from '../spec.ts';

export const clients: CommandSpec = {
  name: 'clients',
  summary: 'show the MCP clients of this machine, their files, and what stands there in plain text',
  details:
    'Of your own folder, and of the one that you stand in. Files are read and not changed; of what looks ' +
    'like a secret the name is shown, never the value.',
  example: 'mcp clients',
  async run(_given, session) {
    const { showClients } = await import('../clients.ts');
    return showClients(session);
  },
};
