import { lstatSync, renameSync, rmSync, unlinkSync, type BigIntStats } from 'node:fs';
import { createConnection, type ListenOptions, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { BrokerError } from '@mcp-broker/providers/errors';
import type { Clock } from '../clock.ts';
import { startDeadline } from './deadline.ts';
import type { Platform } from '../platform/platform.ts';
import { Decoder, encode } from '../protocol/framing.ts';
import { protocolVersion } from '../protocol/messages.ts';
import { requirePrivate, statSocket } from '../socket-folder.ts';

/** How long our own socket may take to answer us before the check ends without a verdict. */
const answerMs = 10_000;
const backlog = 4096;

/** The socket that we bound, and what tells it from another at the same path. */
export interface OwnSocket {
  /** Whether the path still leads to us; `unsure` when no answer came in time. */
  check(clock: Clock): Promise<'ours' | 'lost' | 'unsure'>;
  /** Removes it, if it is still ours. */
  remove(): void;
}

/**
 * Binds beside the path, then renames. So a stale socket goes in one step, the right one has its mode
 * before anyone can see it, and libuv, which removes what it bound when it closes, cannot remove a
 * socket that someone else has put in our place.
 */
export async function bindSocket(server: Server, path: string): Promise<OwnSocket> {
  await clearStale(path);
  const beside = join(dirname(path), `new.${process.pid}`);
  if (statSocket(beside) !== undefined) unlinkSync(beside);
  await listen(server, beside);
  const stats = statSocket(beside);
  if (stats === undefined) throw lost(path);
  requirePrivate(beside, stats);
  const bound = identify(beside);
  renameSync(beside, path);

  const isInPlace = (): boolean => isAt(path, bound);
  if (!isInPlace()) throw lost(path);
  return {
    // An inode's number goes to the next file once it is free, so its owner has to answer too.
    check: async (clock) => (isInPlace() ? answersAsUs(path, clock) : 'lost'),
    remove() {
      if (isInPlace()) rmSync(path, { force: true });
    },
  };
}

/**
 * Listens on the socket that a service manager has bound at the path. It stays when we go: the manager
 * listens on, and starts the next daemon. Throws `ERR_FOREIGN_SOCKET` and `ERR_INSECURE_FILE`.
 */
export async function adoptSocket(
  server: Server,
  path: string,
  lent: number,
  platform: Platform,
): Promise<OwnSocket> {
  requireLent(path, lent, platform);
  const bound = identify(path);
  await listenOn(server, { fd: lent, backlog });
  return {
    check: async (clock) => (isAt(path, bound) ? answersAsUs(path, clock) : 'lost'),
    remove() {
      // It is the manager's.
    },
  };
}

/** Throws unless the descriptor is a socket that listens and was bound at the path, which is private. */
export function requireLent(path: string, lent: number, platform: Platform): void {
  const bound = platform.listeningPath(lent);
  const stats = statSocket(path);
  if (bound !== path || stats === undefined) {
    const what = bound ?? 'what is no socket that listens';
    const message = `the service manager lends ${what}, and not ${path}`;
    throw new BrokerError('ERR_FOREIGN_SOCKET', message, {
      hint: 'mcp daemon install',
      subject: path,
    });
  }
  requirePrivate(path, stats);
}

function isAt(path: string, bound: BigIntStats | undefined): boolean {
  const now = identify(path);
  return now !== undefined && now.dev === bound?.dev && now.ino === bound.ino;
}

/** Throws unless nothing is there, or a socket of ours on which nobody listens any more. */
async function clearStale(path: string): Promise<void> {
  if (statSocket(path) === undefined) return;
  const code = await tryConnect(path);
  if (code === 'ECONNREFUSED' || code === 'ENOENT') return;
  throw new BrokerError('ERR_FOREIGN_SOCKET', `another process answers on ${path}`, {
    hint: 'mcp daemon status',
    subject: path,
  });
}

/** The error code, or undefined when someone accepted. */
function tryConnect(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code ?? 'UNKNOWN');
    });
  });
}

function listen(server: Server, path: string): Promise<void> {
  const before = process.umask(0o177);
  try {
    // Binds before it returns.
    return listenOn(server, { path, backlog });
  } finally {
    process.umask(before);
  }
}

export function listenOn(server: Server, options: ListenOptions & { fd?: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function identify(path: string): BigIntStats | undefined {
  try {
    const stats = lstatSync(path, { bigint: true });
    return stats.isSocket() ? stats : undefined;
  } catch {
    // Whatever keeps us from looking keeps clients from coming, too.
    return undefined;
  }
}

function answersAsUs(path: string, clock: Clock): Promise<'ours' | 'lost' | 'unsure'> {
  return new Promise((resolve) => {
    const decoder = new Decoder();
    const socket = createConnection(path);
    const settle = (verdict: 'ours' | 'lost' | 'unsure'): void => {
      cancel();
      socket.destroy();
      resolve(verdict);
    };
    const cancel = startDeadline(clock, answerMs, () => {
      settle('unsure');
    });
    const params = { protocol: protocolVersion, client: 'own socket check' };
    const hello = { jsonrpc: '2.0', id: 0, method: 'broker.hello', params };
    socket.write(encode(hello));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // Too many open files, or too many that wait: that says nothing of whose socket it is.
      settle(error.code === 'EMFILE' || error.code === 'EAGAIN' ? 'unsure' : 'lost');
    });
    socket.on('close', () => {
      settle('lost');
    });
    socket.on('data', (chunk: Buffer) => {
      try {
        const [frame] = decoder.push(chunk);
        if (frame !== undefined) settle(pidOf(frame.message) === process.pid ? 'ours' : 'lost');
      } catch {
        settle('lost');
      }
    });
  });
}

function pidOf(answer: Readonly<Record<string, unknown>>): unknown {
  const result = answer['result'];
  return typeof result === 'object' && result !== null && 'pid' in result ? result.pid : undefined;
}

function lost(path: string): BrokerError {
  return new BrokerError('ERR_FOREIGN_SOCKET', `another process took ${path} while it was bound`, {
    hint: 'mcp daemon start',
    subject: path,
  });
}
