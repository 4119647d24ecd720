import { join } from 'node:path';
import { officialServerVersion } from '../kit/servers.ts';
import { prepared, type Prepared } from './prepared.ts';

/** The package as it is asked for. */
export const npxPackage: string = `@modelcontextprotocol/server-everything@${officialServerVersion('everything')}`;

/** A cache of npm in which `npx -y` finds that package. */
export const npx: Prepared = prepared(
  'npx',
  `${npxPackage} in a cache of npx`,
  [npxPackage],
  (folder) => [
    {
      says: `fetch ${npxPackage}`,
      command: 'npx',
      args: ['-y', `--package=${npxPackage}`, '--', 'node', '--version'],
      cwd: folder,
      env: { npm_config_cache: join(folder, 'npm'), npm_config_update_notifier: 'false' },
    },
  ],
);

/** With these `npx` needs no network once the cache is made. */
export function npxEnvironment(): Record<string, string> {
  return {
    npm_config_cache: join(npx.folder, 'npm'),
    npm_config_logs_max: '0',
    npm_config_offline: 'true',
    npm_config_update_notifier: 'false',
  };
}
