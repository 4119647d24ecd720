import { createServer } from 'node:net';
import type { ErrorCode } from '@mcp-broker/providers/errors';
import type { Clock } from '../clock.ts';
import { Connections } from './connections.ts';
import { bindSocket } from './own-socket.ts';
import type { Peer } from './peer.ts';
import type { Platform } from '../platform/platform.ts';
import type { Paths } from '../paths.ts';
import type { Events, Method, Methods } from '../protocol/messages.ts';
import { checkPathLength, openFolders } from '../socket-folder.ts';

/** What a handler knows of the request besides its validated params. */
export interface Context {
  /** What the kernel says of the other end. */
  readonly peer: Peer;
  /** What the other end says of itself: a claim. */
  readonly client: string | undefined;
  readonly connection: Connection;
  /** Wiped by the listener once the handler is done. */
  readonly attachments: readonly Buffer[];
  /** Aborted when the request is cancelled or its connection goes. */
  readonly signal: AbortSignal;
}

export interface Connection {
  readonly id: number;
  send<E extends keyof Events>(event: E, params: Events[E]): void;
  /** Calls back once the connection has gone. */
  onClose(action: () => void): void;
}

export interface Outcome<M extends Method> {
  readonly result: Methods[M]['result'];
  /** Written after the answer's line, then wiped by the listener. */
  readonly attachments?: readonly Uint8Array[];
}

export type Handlers = {
  readonly [M in Exclude<Method, 'broker.hello'>]: (
    params: Methods[M]['params'],
    context: Context,
  ) => Promise<Outcome<M>>;
};

export interface ListenerOptions {
  readonly paths: Paths;
  readonly platform: Platform;
  readonly clock: Clock;
  readonly handlers: Handlers;
  readonly version: string;
  readonly limits: {
    /** Bytes of a line. */
    readonly frame: number;
    readonly connections: number;
    readonly connectionsPerProcess: number;
  };
  /** A peer was turned away; for the audit. */
  readonly onRefused: (refusal: { pid: number; uid: number; reason: string }) => void;
  /** The socket's path no longer leads to us: the daemon has to stop. */
  readonly onLost: () => void;
  /** A handler threw what is no `BrokerError`: a bug of ours. */
  readonly onInternalError?: (report: {
    readonly method: Method;
    readonly code: ErrorCode;
  }) => void;
}

export interface Listener {
  readonly connections: number;
  /** Stops accepting, lets requests under way end (for at most `graceMs`), removes the socket if it is still ours. */
  stop(graceMs: number): Promise<void>;
}

const checkEveryMs = 60_000;

/**
 * Checks folder and path, removes a stale socket, binds under umask 0177 and listens. Throws
 * `ERR_NO_HOME`, `ERR_INSECURE_FILE`, `ERR_FOREIGN_SOCKET` and `ERR_PATH_TOO_LONG`. The umask is the
 * whole process's: no file may be made at the same time.
 */
export async function startListener(options: ListenerOptions): Promise<Listener> {
  const { paths, clock } = options;
  checkPathLength(paths.socket);
  openFolders(paths);
  const connections = new Connections(options);
  const server = createServer((socket) => {
    connections.add(socket);
  });
  const own = await bindSocket(server, paths.socket).catch((error: unknown) => {
    server.close();
    throw error;
  });
  // Too many open files, say: the connection is lost, the listener is not.
  server.on('error', () => undefined);

  let cancelCheck: (() => void) | undefined;
  const checkLater = (): void => {
    cancelCheck = clock.after(checkEveryMs, () => {
      void own.check(clock).then((verdict) => {
        if (stopped !== undefined) return;
        if (verdict === 'lost') options.onLost();
        else checkLater();
      });
    });
  };
  let stopped: Promise<void> | undefined;
  checkLater();

  async function stop(graceMs: number): Promise<void> {
    cancelCheck?.();
    own.remove();
    const closed = new Promise<void>((resolve) => {
      server.close(() => {
        resolve();
      });
    });
    await connections.drain(graceMs);
    await closed;
  }

  return {
    get connections() {
      return connections.size;
    },
    stop: (graceMs) => (stopped ??= stop(graceMs)),
  };
}
