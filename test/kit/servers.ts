import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The script of an official MCP server, as its package's `bin` names it. */
export function officialServer(name: 'everything' | 'filesystem' | 'memory'): string {
  return fileURLToPath(
    new URL(`../node_modules/@modelcontextprotocol/server-${name}/dist/index.js`, import.meta.url),
  );
}

/** The version that is installed here. */
export function officialServerVersion(name: Parameters<typeof officialServer>[0]): string {
  const file = new URL(
    `../node_modules/@modelcontextprotocol/server-${name}/package.json`,
    import.meta.url,
  );
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
