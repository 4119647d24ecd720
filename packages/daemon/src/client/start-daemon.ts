import { closeSync } from 'node:fs';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { BrokerError } from '@mcp-broker/providers/errors';
import { readShape } from './connection.ts';
import type { DaemonProgram } from './client.ts';
import { daemonArguments } from './daemon-arguments.ts';
import { sleep, systemClock } from '../clock.ts';
import { daemonEnvironment } from '../daemon-environment.ts';
import { openLog } from '../log-file.ts';
import type { Paths } from '../paths.ts';
import { openFolders } from '../socket-folder.ts';
import { tryStartLock } from './start-lock.ts';

/** How long a first use waits for the daemon. */
const startMs = 15_000;
const maxReport = 64 * 1024;

/**
 * Starts the daemon, or waits for the one that somebody else is starting, until `attempt` succeeds.
 * Many may do so at once: one of them starts it, and should two ever do, the daemons settle it
 * between themselves by their lock. Throws the daemon's own error when it cannot start, and
 * `ERR_DAEMON_UNREACHABLE` after 15 s.
 */
export async function startDaemon<T>(
  paths: Paths,
  program: DaemonProgram,
  attempt: () => Promise<T | undefined>,
): Promise<T> {
  openFolders(paths);
  const deadline = systemClock.monotonic() + startMs;
  for (let waitMs = 5; systemClock.monotonic() < deadline; waitMs = Math.min(waitMs * 2, 50)) {
    const release = tryStartLock(join(paths.run, 'start.lock'));
    try {
      const before = await attempt();
      if (before !== undefined) return before;
      if (release !== undefined) {
        await launch(paths, program, deadline);
        const after = await attempt();
        if (after !== undefined) return after;
      }
    } finally {
      release?.();
    }
    await sleep(waitMs);
  }
  throw failed(paths, `the daemon did not answer within ${startMs / 1000} s`);
}

/** Resolves once the daemon listens, or once it has found another one. */
async function launch(paths: Paths, program: DaemonProgram, deadline: number): Promise<void> {
  const child = spawnDaemon(paths, program);
  const left = exitOf(child);
  const pipe = child.stdio[3] as Readable;
  try {
    const line = await Promise.race([
      readLine(pipe),
      spawnFailure(child),
      new Promise<undefined>((resolve) => {
        systemClock.after(deadline - systemClock.monotonic(), () => resolve(undefined));
      }),
    ]);
    if (line === undefined)
      throw failed(paths, `the daemon did not start within ${startMs / 1000} s`);
    const report = parseReport(line);
    if (report === undefined) throw failed(paths, 'the daemon ended while it started');
    if (report !== 'fine') throw report;
    await left;
  } finally {
    pipe.destroy();
    child.unref();
  }
}

function spawnDaemon(paths: Paths, program: DaemonProgram): ChildProcess {
  const log = openLog(paths.log);
  try {
    // Loaded here alone: most uses find the daemon running.
    const { spawn } = process.getBuiltinModule('node:child_process');
    const command = [process.execPath, ...daemonArguments(paths, program), '--ready-fd', '3'];
    // A shell that leaves at once: what it has started is nobody's child any more. A daemon that is ours would
    // be ended with the launch that we belong to, and be the child of what we may become.
    return spawn('/bin/sh', ['-c', '"$@" &', 'sh', ...command], {
      cwd: '/',
      detached: true,
      env: daemonEnvironment('anyone'),
      stdio: ['ignore', log, log, 'pipe'],
    });
  } finally {
    closeSync(log);
  }
}

/** The first line, or what there is of it when the daemon has closed its end. */
async function readLine(pipe: Readable): Promise<string> {
  let text = '';
  pipe.setEncoding('utf8');
  for await (const chunk of pipe as AsyncIterable<string>) {
    text += chunk;
    if (text.includes('\n') || text.length > maxReport) break;
  }
  return text;
}

function exitOf(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve) => {
    child.once('exit', resolve);
  });
}

function spawnFailure(child: ChildProcess): Promise<never> {
  return new Promise((_resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      const message = `node could not be started for the daemon: ${error.code ?? 'no code'}`;
      reject(new BrokerError('ERR_DAEMON_UNREACHABLE', message, { hint: 'mcp daemon run' }));
    });
  });
}

/** Undefined: it is no report. */
function parseReport(line: string): 'fine' | BrokerError | undefined {
  let report: unknown;
  try {
    report = JSON.parse(line);
  } catch {
    return undefined;
  }
  const shape = readShape(report);
  if (shape !== undefined) return BrokerError.fromShape(shape);
  return typeof report === 'object' && report !== null && 'ready' in report ? 'fine' : undefined;
}

function failed(paths: Paths, message: string): BrokerError {
  return new BrokerError('ERR_DAEMON_UNREACHABLE', message, {
    hint: `mcp daemon logs, or read ${paths.log}`,
    retryable: true,
  });
}
