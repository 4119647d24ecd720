import { ClientConnection } from './connection.ts';
import { BrokerError } from '@mcp-broker/providers/errors';
import type { Events, Method, Methods } from '../protocol/messages.ts';
import type { Paths } from '../paths.ts';
import { checkFolders, checkPathLength, requirePrivate, statSocket } from '../socket-folder.ts';

export { daemonArguments } from './daemon-arguments.ts';
export { locatePaths, expandTilde, type PathOptions, type Paths } from '../paths.ts';

export interface ConnectOptions {
  /** What we say of ourselves in the hello; a claim. */
  readonly client?: string;
  /**
   * How to start the daemon when none answers: the file to run with Node. Without it, no daemon is an
   * `ERR_DAEMON_UNREACHABLE`.
   */
  readonly start?: DaemonProgram;
}

export interface DaemonProgram {
  /** Path of the daemon's main file. */
  readonly main: () => string;
  /** More flags for Node, before the main file. */
  readonly execArgv?: readonly string[];
}

export interface Reply<M extends Method> {
  readonly result: Methods[M]['result'];
  /** The caller wipes them. */
  readonly attachments: readonly Buffer[];
}

export interface CallExtras {
  /** Copied; the caller wipes its own. */
  readonly attachments?: readonly Uint8Array[];
  readonly signal?: AbortSignal;
}

/** A connection to the daemon. Requests may be made without waiting for earlier answers. */
export interface Client {
  /** Rejects with the daemon's own error, `ERR_ABORTED`, `ERR_DAEMON_UNREACHABLE` or `ERR_PROTOCOL`. */
  call<M extends Method>(
    method: M,
    params: Methods[M]['params'],
    extras?: CallExtras,
  ): Promise<Reply<M>>;
  on<E extends keyof Events>(event: E, listener: (params: Events[E]) => void): void;
  /** Rejects with why the connection has gone (`ERR_DAEMON_UNREACHABLE`); resolves after `close`. */
  readonly closed: Promise<void>;
  /** Ends the connection at once; what is still under way rejects. */
  close(): void;
}

/**
 * Connects, after it has seen that folders and socket are ours (owner, mode, kind); starts the daemon
 * if it may. The hello goes out with the first request, which does not wait for its answer.
 *
 * Throws `ERR_DAEMON_UNREACHABLE`, `ERR_FOREIGN_SOCKET`, `ERR_INSECURE_FILE`, `ERR_PATH_TOO_LONG`, and
 * what keeps the daemon from starting, such as `ERR_NO_HOME` and `ERR_CONFIG`.
 */
export async function connect(paths: Paths, options: ConnectOptions = {}): Promise<Client> {
  checkPathLength(paths.socket);
  const attempt = (): Promise<Client | undefined> => open(paths, options.client);
  const client = await attempt();
  if (client !== undefined) return client;
  if (options.start === undefined) {
    throw new BrokerError('ERR_DAEMON_UNREACHABLE', `no daemon serves ${paths.home}`, {
      hint: 'mcp daemon start',
      retryable: true,
    });
  }
  const { startDaemon } = await import('./start-daemon.ts');
  return startDaemon(paths, options.start, attempt);
}

/** Undefined when nobody listens. */
async function open(paths: Paths, claim: string | undefined): Promise<Client | undefined> {
  if (!checkFolders(paths)) return undefined;
  const stats = statSocket(paths.socket);
  if (stats === undefined) return undefined;
  requirePrivate(paths.socket, stats);
  const connection = new ClientConnection(paths.socket, claim);
  return (await connection.opened) ? connection : undefined;
}
