import { realpathSync } from 'node:fs';
import type { DaemonProgram } from '@mcp-broker/daemon/client';

/** The daemon that was installed with us. Looked for only when none runs. */
export const daemonProgram: DaemonProgram = {
  main: () => {
    const { createRequire } = process.getBuiltinModule('node:module');
    const entry = realpathSync(process.argv[1] ?? process.execPath);
    return createRequire(entry).resolve('@mcp-broker/daemon/main');
  },
  // From the sources, the daemon runs from the sources too.
  execArgv: process.execArgv.filter((flag) => flag.startsWith('--conditions=')),
};
