import type { Events, Method, Methods } from './protocol/messages.ts';
import type { Paths } from './paths.ts';

export { locatePaths, expandTilde, type PathOptions, type Paths } from './paths.ts';

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
  readonly attachments: readonly Buffer[];
}

export interface CallExtras {
  readonly attachments?: readonly Uint8Array[];
  readonly signal?: AbortSignal;
}

/** A connection to the daemon. Requests may be made without waiting for earlier answers. */
export interface Client {
  call<M extends Method>(method: M, params: Methods[M]['params'], extras?: CallExtras): Promise<Reply<M>>;
  on<E extends keyof Events>(event: E, listener: (params: Events[E]) => void): void;
  /** Rejects with `ERR_DAEMON_UNREACHABLE` once the connection has gone. */
  readonly closed: Promise<void>;
  close(): void;
}

/**
 * Connects, after it has seen that folder and socket are ours (owner, mode, kind); starts the daemon
 * if it may. The hello goes out with the first request, which does not wait for its answer.
 */
export declare function connect(paths: Paths, options?: ConnectOptions): Promise<Client>;
