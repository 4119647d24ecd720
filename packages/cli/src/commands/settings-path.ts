import { locatePaths } from '@mcp-broker/daemon/client';

import type { Places } from '../output/hint.ts';

/**
 * `settings.path`, for a launch that has no reference and so needs no daemon. Throws what is wrong with
 * the configuration.
 */
export async function settingsPath(places: Places): Promise<readonly string[]> {
  const paths = locatePaths(places);
  const { readConfig } = await import('@mcp-broker/daemon/config');
  return readConfig(paths.config).config.settings.path ?? [];
}
