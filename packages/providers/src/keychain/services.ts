import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';

/**
 * The names under which a home keeps its items. Each home has its own, by the real path of its folder, so
 * that homes beside each other see nothing of each other; no reference names either.
 */
export interface KeychainServices {
  /** The variables' values. */
  readonly secrets: string;
  /** The broker's own items. */
  readonly own: string;
}

export function keychainServices(home: string): KeychainServices {
  const id = createHash('sha256').update(realPath(home)).digest('hex').slice(0, 12);
  return { secrets: `mcp-broker/${id}`, own: `mcp-broker/${id}/own` };
}

function realPath(home: string): string {
  try {
    return realpathSync(home);
  } catch {
    return home;
  }
}
