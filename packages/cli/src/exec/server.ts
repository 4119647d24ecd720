import type { ChildProcess } from 'node:child_process';
import { BrokerError } from '@mcp-broker/daemon/protocol';

import { exitCodeOfSignal } from '../output/exit-code.ts';
import type { Environment } from './aside.ts';
import { notExecutable, notFound } from './lookup.ts';
import { relaySignals } from './signals.ts';

export interface ServerProgram {
  readonly file: string;
  /** As typed: what the program sees as its own name. */
  readonly name: string;
  readonly args: readonly string[];
  readonly environment: Environment;
}

/**
 * Runs a server on our own stdin, stdout and stderr, of which not a byte is copied, and gives the exit
 * code once it has ended. `started` is called when it runs. Throws `ERR_COMMAND_NOT_FOUND` and
 * `ERR_NOT_EXECUTABLE`.
 */
export type RunServer = (program: ServerProgram, started?: () => void) => Promise<number>;

/**
 * Does ahead of time what a start needs, while the daemon still thinks: the modules are loaded, and
 * from here on signals are passed on.
 */
export function prepareServer(): RunServer {
  const { spawn } = process.getBuiltinModule('node:child_process');
  const relay = relaySignals();
  return async ({ file, name, args, environment }, started) => {
    try {
      const child = spawn(file, args, { argv0: name, env: environment, stdio: 'inherit' });
      relay.to(child);
      const end = ended(child);
      if (child.pid !== undefined) started?.();
      return await end;
    } catch (error) {
      throw spawnFailure(error, file);
    } finally {
      relay.stop();
    }
  };
}

function ended(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      resolve(signal === null ? (code ?? 0) : exitCodeOfSignal(signal));
    });
  });
}

/** Never the error itself: Node's own carries the arguments. */
function spawnFailure(error: unknown, file: string): BrokerError {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (code === 'ENOENT') return notFound(file, 'path');
  if (code === 'E2BIG') {
    return new BrokerError(
      'ERR_NOT_EXECUTABLE',
      `arguments and environment are too long for ${file}`,
      { hint: 'the kernel limits them together: hand on fewer or shorter variables' },
    );
  }
  return notExecutable(file);
}
