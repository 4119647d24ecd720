import { spawn, type ChildProcess } from 'node:child_process';
import type { Writable } from 'node:stream';
import { BrokerError } from '../errors.ts';
import { copySecret, secretBytes } from '../secret-bytes.ts';
import { readWith } from '../secret-reading.ts';
import type { AdmittedTool, ToolContext } from './tool.ts';

/** How one run ended, and what came of it. Whoever gets it calls `wipe`. */
export interface ToolRun {
  /** Exit status; null when a signal ended it. */
  readonly exit: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  /** Why it was ended by us. */
  readonly ended: 'timeout' | 'too long' | undefined;
  /** All of `input` was taken from it. */
  readonly tookInput: boolean;
  wipe(): void;
}

export interface RunOptions {
  /** `argv` with the name filled in. */
  readonly argv: readonly string[];
  /** For its stdin; without it that is empty. */
  readonly input?: Uint8Array | undefined;
  readonly timeoutMs: number;
  /** Bytes of stdout. */
  readonly most: number;
  readonly signal: AbortSignal;
  readonly after: ToolContext['after'];
}

const mostStderr = 4096;
/** Between SIGTERM and SIGKILL, and how long what it has left behind may hold its output. */
const graceMs = 1000;

/**
 * Runs it without a shell, as the leader of a session of its own, so that it ends with all that it started
 * when its time is over. Rejects with `ERR_ABORTED`, and when it cannot be started.
 */
export async function runTool(tool: AdmittedTool, options: RunOptions): Promise<ToolRun> {
  const { argv, signal } = options;
  if (signal.aborted) {
    tool.release();
    throw aborted();
  }
  const [argv0 = tool.file, ...args] = argv;
  let child: ChildProcess;
  try {
    child = spawn(tool.file, args, {
      argv0,
      cwd: tool.workingDirectory,
      env: tool.environment,
      detached: true,
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
  } catch (error) {
    // Some are thrown, such as E2BIG, and others come as an event.
    throw notStarted(argv0, error as NodeJS.ErrnoException);
  } finally {
    tool.release();
  }
  if (child.pid === undefined) {
    const error = await new Promise<NodeJS.ErrnoException>((resolve) =>
      child.once('error', resolve),
    );
    throw notStarted(argv0, error);
  }
  return watch(child, child.pid, options);
}

async function watch(child: ChildProcess, pid: number, options: RunOptions): Promise<ToolRun> {
  const { after, signal } = options;
  let ended: ToolRun['ended'];
  const stdout = collect(child.stdout, options.most);
  const stderr = collect(child.stderr, mostStderr);
  const input = feed(child.stdin, options.input);

  const cancels: (() => void)[] = [];
  const kill = (name: NodeJS.Signals): void => {
    try {
      process.kill(-pid, name);
    } catch {
      // All of it has ended, or what is left of it runs as another user.
    }
  };
  /** What cannot be ended, such as `sudo`, is not waited for. */
  let giveUp = (): void => undefined;
  const end = (): void => {
    kill('SIGTERM');
    cancels.push(after(graceMs, () => kill('SIGKILL')));
    cancels.push(after(2 * graceMs, () => giveUp()));
  };
  const endFor = (why: NonNullable<ToolRun['ended']>): void => {
    if (ended !== undefined) return;
    ended = why;
    end();
  };
  stdout.onOverflow = () => endFor('too long');
  cancels.push(after(options.timeoutMs, () => endFor('timeout')));
  signal.addEventListener('abort', end, { once: true });

  try {
    const [exit, by] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
      child.once('exit', (code, name) => {
        resolve([code, name]);
      });
      giveUp = () => {
        resolve([null, null]);
      };
    });
    // What it has left behind and holds its output ends too; what has let go of it is none of ours.
    cancels.push(after(graceMs, () => kill('SIGKILL')));
    cancels.push(
      after(2 * graceMs, () => {
        stdout.close();
        stderr.close();
      }),
    );
    await Promise.all([stdout.closed, stderr.closed]);
    input.close();
    if (ended !== undefined) kill('SIGKILL');
    if (signal.aborted) {
      kill('SIGKILL');
      stdout.wipe();
      stderr.wipe();
      throw aborted();
    }
    return {
      exit,
      signal: by,
      stdout: stdout.bytes,
      stderr: stderr.bytes,
      ended,
      tookInput: await input.taken,
      wipe() {
        stdout.wipe();
        stderr.wipe();
      },
    };
  } finally {
    signal.removeEventListener('abort', end);
    for (const cancel of cancels) cancel();
  }
}

interface Collected {
  readonly bytes: Uint8Array;
  readonly closed: Promise<void>;
  /** Called once there is more than may be. */
  onOverflow: () => void;
  close(): void;
  wipe(): void;
}

/** What comes, in memory that is overwritten; past `most` bytes nothing is kept. */
function collect(stream: ChildProcess['stdout'], most: number): Collected {
  let memory = secretBytes(Math.min(most, 4096));
  let length = 0;
  const take = (chunk: Buffer): void => {
    const taken = Math.min(chunk.length, most - length);
    if (length + taken > memory.length) {
      const larger = secretBytes(Math.min(most, Math.max(2 * memory.length, length + taken)));
      larger.set(memory.subarray(0, length));
      memory.fill(0);
      memory = larger;
    }
    memory.set(chunk.subarray(0, taken), length);
    length += taken;
    if (taken < chunk.length) collected.onOverflow();
    chunk.fill(0);
  };
  if (stream === null) throw new TypeError('the tool has no such pipe');
  const socket = readWith(stream, take);
  const collected: Collected = {
    get bytes() {
      return memory.subarray(0, length);
    },
    closed: new Promise((resolve) => {
      socket.once('error', () => undefined);
      socket.once('close', () => {
        resolve();
      });
    }),
    onOverflow: () => undefined,
    close: () => {
      socket.destroy();
    },
    wipe: () => {
      memory.fill(0);
    },
  };
  return collected;
}

/** Writes a copy, which is wiped once the tool has it or has closed its end. */
function feed(
  stream: Writable | null,
  input: Uint8Array | undefined,
): { readonly taken: Promise<boolean>; close(): void } {
  if (stream === null || input === undefined) {
    return { taken: Promise.resolve(true), close: () => undefined };
  }
  const copy = copySecret(input);
  const taken = new Promise<boolean>((resolve) => {
    stream.once('error', () => {
      resolve(false);
    });
    stream.once('close', () => {
      resolve(stream.writableFinished);
    });
  }).finally(() => {
    copy.fill(0);
  });
  stream.end(copy);
  return {
    taken,
    close: () => {
      stream.destroy();
    },
  };
}

export function aborted(): BrokerError {
  return new BrokerError('ERR_ABORTED', 'the request was cancelled or took too long', {
    hint: 'try again',
    retryable: true,
  });
}

function notStarted(argv0: string, error: NodeJS.ErrnoException): BrokerError {
  const isMissing = error.code === 'ENOENT';
  const code = isMissing ? 'ERR_COMMAND_NOT_FOUND' : 'ERR_NOT_EXECUTABLE';
  return new BrokerError(
    code,
    `the tool ${argv0} could not be started (${error.code ?? 'unknown'})`,
    {
      hint: 'it may have been removed or changed just now: try again',
      cause: error,
    },
  );
}
