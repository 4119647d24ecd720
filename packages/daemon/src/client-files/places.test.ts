import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { clientPlaces } from './places.ts';

const document = readFileSync(new URL('../../../../docs/clients.md', import.meta.url), 'utf8');
const linux = { home: '/h', platform: 'linux', environment: {} } as const;

function filesOf(
  client: string,
  options: Partial<Parameters<typeof clientPlaces>[0]> = {},
): string[] {
  return clientPlaces({ ...linux, ...options })
    .filter((place) => place.client === client)
    .map(({ file }) => file);
}

/** `### Client`, and the paths of the line below. */
const documented = [...document.matchAll(/^####? (.+)\n\n(.+)$/gmu)]
  .map(([, client = '', line = '']) => ({
    client,
    files: [...line.matchAll(/`([~.][^`]*[^`.\s][^`]*|\w+\.json)`/gu)].map(([, file = '']) => file),
  }))
  .filter(({ files }) => files.length > 0);

describe('the places of clients', () => {
  test.each(documented)('are those that the documents name: $client', ({ client, files }) => {
    const known = ['linux', 'darwin'].flatMap((platform) =>
      filesOf(client, { platform: platform as NodeJS.Platform, project: '/p' }),
    );
    const written = files.map((file) =>
      file.startsWith('~') ? file.replace('~', '/h') : `/p/${file}`,
    );
    for (const file of written) expect(known).toContain(file);
  });

  test('are of no client that the documents leave out', () => {
    expect(new Set(clientPlaces(linux).map(({ client }) => client))).toEqual(
      new Set(documented.map(({ client }) => client)),
    );
  });

  test('follow the variables by which a client is moved', () => {
    const environment = {
      CLAUDE_CONFIG_DIR: '/claude',
      CODEX_HOME: '/codex',
      COPILOT_HOME: '/copilot',
      XDG_CONFIG_HOME: '/xdg',
    };
    expect([
      ...filesOf('Claude Code', { environment }),
      ...filesOf('Codex', { environment }),
      ...filesOf('Copilot CLI', { environment }),
      ...filesOf('Zed', { environment }),
    ]).toEqual([
      '/claude/.claude.json',
      '/codex/config.toml',
      '/copilot/mcp-config.json',
      '/xdg/zed/settings.json',
    ]);
  });

  test('stand there once when the project is the home folder, as the user’s', () => {
    const cursor = clientPlaces({ ...linux, project: '/h' }).filter(
      ({ client }) => client === 'Cursor',
    );
    expect(cursor.map(({ file, scope }) => [file, scope])).toEqual([
      ['/h/.cursor/mcp.json', 'user'],
    ]);
  });
});
