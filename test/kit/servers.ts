import { fileURLToPath } from 'node:url';

/** The script of an official MCP server, as its package's `bin` names it. */
export function officialServer(name: 'everything' | 'filesystem' | 'memory'): string {
  return fileURLToPath(
    new URL(`../node_modules/@modelcontextprotocol/server-${name}/dist/index.js`, import.meta.url),
  );
}
