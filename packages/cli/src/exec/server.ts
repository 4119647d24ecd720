import type { ChildProcess } from 'node:child_process';
import { BrokerError } from '@mcp-broker/daemon/protocol';

import { exitCodeOfSignal } from '../output/exit-code.ts';
import type { Environment } from './aside.ts';
import { notExecutable, notFound } from './lookup.ts';

export interface ServerProgram {
  readonly file: string;
  /** As typed: what the program sees as its own name. */
  readonly name: string;
  readonly args: readonly string[];
  readonly environment: Environment;
}

/** What is passed on. SIGKILL and SIGSTOP cannot be; SIGCHLD, SIGPIPE and job control are our own. */
const forwarded: readonly NodeJS.Signals[] = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGTERM',
  'SIGUSR1',
  'SIGUSR2',
];

/** What a terminal sends to the whole group in front, so to the server too. */
const fromTerminal: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGQUIT']);

/**
 * Runs the server on our own stdin, stdout and stderr, of which not a byte is copied, and gives the
 * exit code once it has ended. Throws `ERR_COMMAND_NOT_FOUND` and `ERR_NOT_EXECUTABLE`.
 */
export async function runServer(program: ServerProgram): Promise<number> {
  let child: ChildProcess | undefined;
  // Before the spawn: a signal that comes in between waits for the event loop, and is passed on then.
  const pass = (signal: NodeJS.Signals): void => {
    if (!(fromTerminal.has(signal) && isTerminal())) child?.kill(signal);
  };
  for (const signal of forwarded) process.on(signal, pass);
  try {
    child = start(program);
    return await ended(child, program);
  } finally {
    for (const signal of forwarded) process.off(signal, pass);
  }
}

function start({ file, name, args, environment }: ServerProgram): ChildProcess {
  const { spawn } = process.getBuiltinModule('node:child_process');
  try {
    return spawn(file, args, { argv0: name, env: environment, stdio: 'inherit' });
  } catch (error) {
    throw spawnFailure(error, file);
  }
}

function ended(child: ChildProcess, { file }: ServerProgram): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      reject(spawnFailure(error, file));
    });
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

function isTerminal(): boolean {
  return process.getBuiltinModule('node:tty').isatty(0);
}
