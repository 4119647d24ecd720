import { existsSync } from 'node:fs';

import { replacePath } from './mend-path.ts';
import type { Facts } from './facts.ts';
import { finding, type Finding } from './finding.ts';

/** config.yaml: that it can be read, and that servers are found by it. */
export function checkConfig(facts: Facts): readonly Finding[] {
  const { paths, configProblems, config, daemon, files } = facts;
  if (files.length === 0) return [];
  const kept =
    daemon.status?.config.state === 'kept' ? '; the daemon goes on with the file of before' : '';
  const id = config === undefined ? 'config-broken' : 'config-entry';
  const broken = configProblems.map(({ message, hint }) =>
    finding(id, paths.config, {
      cause: `${message}${config === undefined ? kept : ''}`,
      remedy: hint ?? 'mcp config check',
    }),
  );
  return [...broken, ...checkSearchPath(facts)];
}

/** What a client that was started from a desktop does not know: the PATH of a terminal. */
function checkSearchPath({ config, paths, clients }: Facts): readonly Finding[] {
  if (config === undefined) return [];
  const { path } = config.config.settings;
  if (path !== undefined) {
    return path
      .filter((folder) => !existsSync(folder))
      .map((folder) =>
        finding('path-folder-gone', folder, {
          cause: 'settings.path names it, and it is not there',
          remedy: `edit settings.path in ${paths.config}`,
        }),
      );
  }
  const graphical = clients.find(
    ({ place, servers }) => place.graphical && servers !== undefined && servers.length > 0,
  );
  if (graphical === undefined) return [];
  return [
    finding('path-unset', 'settings.path', {
      cause: `${graphical.place.client} does not know the PATH of your terminal, and settings.path does not say it`,
      remedy: `write the folders of your servers into settings.path of ${paths.config}`,
      mend: replacePath,
    }),
  ];
}
