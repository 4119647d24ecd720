import { BrokerError } from '@mcp-broker/daemon/protocol';
import type { Replace } from '@mcp-broker/daemon/replace';

import { asideStart } from './aside.ts';
import { loadReplaceEntry, type ReplaceEntry } from './daemon-program.ts';
import { startFailure, type ServerProgram } from './server.ts';

let entry: ReplaceEntry | undefined;
let replace: Replace | undefined;

/** The first part of what `becomeServer` loads, which fits into waiting for the daemon. Rejects with `ERR_USAGE`. */
export async function loadReplace(): Promise<void> {
  entry ??= orUsage(loadReplaceEntry);
}

/** The other part: it fits into waiting for the values. Rejects with `ERR_USAGE`. */
export async function prepareReplace(): Promise<void> {
  prepared();
}

function prepared(): Replace {
  return (replace ??= orUsage(() =>
    (entry ?? loadReplaceEntry()).createReplace(process.env[asideStart]),
  ));
}

/** Throws `ERR_USAGE` where no process can become another program. */
function orUsage<T>(load: () => T): T {
  try {
    return load();
  } catch (error) {
    const [why = ''] = String(error).split('\n', 1);
    throw new BrokerError('ERR_USAGE', `--replace does not work here: ${why}`, {
      hint: 'leave --replace out: mcp exec then stays beside the server',
    });
  }
}

/**
 * Ends as the server: in our pid, session and group, on our stdin, stdout and stderr, and with nothing left
 * of us. Throws what `startServer` rejects with.
 */
export function becomeServer(program: ServerProgram): never {
  const { path, file, name, args, environment, cwd } = program;
  const become = prepared();
  try {
    if (cwd !== undefined) process.chdir(cwd);
  } catch (error) {
    throw startFailure(error, path);
  }
  const code = become({ file, argv: [name, ...args], environment });
  throw startFailure({ code }, path);
}
