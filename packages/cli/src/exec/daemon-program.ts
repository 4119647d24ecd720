import { realpathSync } from 'node:fs';
import type { DaemonProgram } from '@mcp-broker/daemon/client';
import type { createReplace } from '@mcp-broker/daemon/replace';
import { cacheModules } from '../loaded.ts';

/** The daemon that was installed with us. Looked for only when none runs. */
export const daemonProgram: DaemonProgram = {
  main: () => fromEntry().resolve('@mcp-broker/daemon/main'),
  // From the sources, the daemon runs from the sources too.
  execArgv: process.execArgv.filter((flag) => flag.startsWith('--conditions=')),
};

export interface ReplaceEntry {
  readonly createReplace: typeof createReplace;
}

/** Not bundled with us, since few launches need it. */
export function loadReplaceEntry(): ReplaceEntry {
  cacheModules();
  return fromEntry()('@mcp-broker/daemon/replace') as ReplaceEntry;
}

function fromEntry(): NodeJS.Require {
  const { createRequire } = process.getBuiltinModule('node:module');
  return createRequire(realpathSync(process.argv[1] ?? process.execPath));
}
