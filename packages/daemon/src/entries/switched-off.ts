import type { ClientRules } from './clients.ts';
import { valueAt } from './document.ts';
import type { Servers } from './sections.ts';

type Path = readonly string[];

/**
 * The keys that lead to the list of the file by which its client leaves a server out; undefined: none
 * does. What an entry says of itself is not looked at here.
 */
export function switchOf(
  data: unknown,
  { name: client, key }: ClientRules,
  server: string,
  servers: readonly Servers[],
): Path | undefined {
  const names = (path: Path): readonly unknown[] | undefined => {
    const value = valueAt(data, path);
    return Array.isArray(value) ? value : undefined;
  };
  if (client === 'Gemini') {
    const without = [['mcp', 'excluded'], ['excludeMCPServers']];
    const alone = [['mcp', 'allowed'], ['allowMCPServers']];
    return (
      without.find((path) => names(path)?.includes(server) === true) ??
      alone.find((path) => names(path)?.includes(server) === false)
    );
  }
  if (client !== 'Claude Code') return undefined;
  return servers
    .filter(({ path }) => path.length > 1 && path.at(-1) === key)
    .map(({ path }) => [...path.slice(0, -1), 'disabledMcpServers'])
    .find((path) => names(path)?.includes(server) === true);
}
