import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import type { Writable } from 'node:stream';

/** How a program ended, and what it said. */
export interface Ended {
  /** The exit code, or 128 + the signal's number as a shell says it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Written to stdin, which is then closed; without it stdin is empty. */
  readonly input?: string | Uint8Array;
  /** stdin is left open, for whoever started it. */
  readonly keepInput?: boolean;
  /** Written to descriptor 3, which is then closed. */
  readonly fd3?: string | Uint8Array;
  readonly uid?: number;
}

/** Runs a program to its end. */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ended> {
  const child = start(command, args, options);
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.on('data', (chunk: Buffer) => (output[name] += chunk.toString()));
  }
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code: exitCode(code, signal), ...output };
}

export function start(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): ChildProcess {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: definedOnly(options.env ?? process.env),
    stdio: ['pipe', 'pipe', 'pipe', ...(options.fd3 === undefined ? [] : (['pipe'] as const))],
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  if (options.keepInput !== true) feed(child.stdin, options.input ?? '');
  if (options.fd3 !== undefined) feed(child.stdio[3] as Writable, options.fd3);
  return child;
}

function feed(stream: Writable | null, bytes: string | Uint8Array): void {
  // A program that does not read its input closes it; that is no failure of the test.
  stream?.on('error', () => undefined);
  stream?.end(bytes);
}

function definedOnly(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** As a shell says how a program has ended. */
export function exitCode(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? (signal === null ? 0 : 128 + constants.signals[signal]);
}
