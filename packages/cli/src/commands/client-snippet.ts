import { existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

import { defaultHome } from '@mcp-broker/daemon/client';

import { json } from '../output/terminal.ts';
import type { Session } from './session.ts';

/** What an MCP client's configuration says to launch a server through this home, as JSON. */
export function clientSnippet({ paths, configGiven }: Session, command: string): string {
  const options = [
    ...(paths.home === defaultHome() ? [] : ['--home', paths.home]),
    ...(configGiven ? ['--config', paths.config] : []),
  ];
  const server = {
    command,
    args: ['exec', ...options, '--', 'npx', '-y', '@modelcontextprotocol/server-everything'],
    env: { API_TOKEN: '$<API_TOKEN>' },
  };
  return json({ mcpServers: { everything: server } }, 2);
}

/**
 * The absolute path of the `mcp` that runs now: as PATH finds it, which survives an update, or else the
 * launcher beside the script. Other tools call themselves `mcp` too, so a client needs the whole path.
 */
export function commandPath(
  script: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  const launcher = join(dirname(realpathSync(script ?? '.')), '..', 'bin', 'mcp');
  if (!existsSync(launcher)) return 'mcp';
  const own = realpathSync(launcher);
  const found = (environment['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => folder.startsWith('/'))
    .map((folder) => join(folder, 'mcp'))
    .find((path) => existsSync(path) && realpathSync(path) === own);
  return found ?? own;
}
