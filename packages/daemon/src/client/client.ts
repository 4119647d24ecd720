import type { Events, Method, Methods } from '../protocol/messages.ts';

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
