import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { BrokerError } from '@mcp-broker/daemon/protocol';

import { exitCodeOfSignal } from '../output/exit-code.ts';
import type { Environment } from './aside.ts';
import { hasTerminal, lookAround, watchOver } from './life.ts';
import { notExecutable, notFound } from './lookup.ts';
import type { Relay } from './signals.ts';
import { leaveStdout } from './stdio.ts';
import type { Told } from './told.ts';

export interface ServerProgram {
  /** Where it lies. */
  readonly path: string;
  /** What to run: the path, or the open file. */
  readonly file: string;
  /** As typed: what the program sees as its own name. */
  readonly name: string;
  readonly args: readonly string[];
  readonly environment: Environment;
  /** Where it runs; undefined: here. */
  readonly cwd: string | undefined;
  /** The id that its environment carries. */
  readonly launch?: string;
  /** Who hears of its start and end. */
  readonly told?: Told;
}

/** Loads what `startServer` needs: a millisecond that fits into waiting for the daemon. */
export function loadSpawn(): void {
  process.getBuiltinModule('node:child_process');
}

/**
 * Starts a server on our own stdin, stdout and stderr, of which not a byte is copied: in a session of its
 * own, or with a controlling terminal in our group, so that job control is as without us. The promise gives
 * its exit code, or is rejected with `ERR_COMMAND_NOT_FOUND` or `ERR_NOT_EXECUTABLE`; for a shell on a
 * terminal a signal that ends the server ends us too. Neither it nor anything else here holds the program's
 * environment any longer than the start takes.
 */
export function startServer(program: ServerProgram, relay: Relay): Promise<number> {
  const { spawn } = process.getBuiltinModule('node:child_process');
  const { path, file, name, args, environment, cwd, launch, told } = program;
  const stdin = lookAround();
  const sharesGroup = hasTerminal();
  let child: ChildProcess;
  try {
    child = spawn(file, args, {
      argv0: name,
      env: environment,
      stdio: 'inherit',
      cwd,
      detached: !sharesGroup,
    });
  } catch (error) {
    return Promise.reject(startFailure(error, path));
  }
  const life = watchOver(child, stdin, !sharesGroup, launch);
  relay.to(child, life, sharesGroup);
  if (child.pid !== undefined) {
    // Where stdin has ended already, stdout is by what we see the client go.
    if (!stdin.hasEnded) leaveStdout();
    told?.started(child.pid);
  }
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      reject(startFailure(error, path));
    });
    child.once('exit', (code, signal) => {
      const status = signal === null ? (code ?? 0) : exitCodeOfSignal(signal);
      void life
        .ended()
        .then(() => told?.ended(status))
        .then(() => {
          // A shell looks at more than the number: after Ctrl-C it goes on with a loop or a script, or not.
          if (signal !== null && sharesGroup && !stdin.ofClient) relay.endBy(signal);
          resolve(status);
        });
    });
  });
}

/** Never the error itself: Node's own carries the arguments. */
export function startFailure(error: unknown, path: string): BrokerError {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (code === 'ENOENT') return existsSync(path) ? noInterpreter(path) : notFound(path, 'path');
  if (code === 'E2BIG') {
    return new BrokerError(
      'ERR_NOT_EXECUTABLE',
      `arguments and environment are too long for ${path}`,
      { hint: 'the kernel limits them together: hand on fewer or shorter variables' },
    );
  }
  return notExecutable(path);
}

/** The kernel says the same of it as of a file that is not there. */
function noInterpreter(path: string): BrokerError {
  return new BrokerError('ERR_COMMAND_NOT_FOUND', `interpreter of ${path} not found`, {
    hint: `install what it names, or correct the name: file ${path}`,
  });
}
