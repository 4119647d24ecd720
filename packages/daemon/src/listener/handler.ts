import type { BrokerError, ErrorCode } from '@mcp-broker/providers/errors';
import type { Clock } from '../clock.ts';
import type { Paths } from '../paths.ts';
import type { Platform } from '../platform/platform.ts';
import type { AllowedNamespaces } from '../policy/namespaces.ts';
import type { Events, Method, Methods } from '../protocol/messages.ts';
import type { Peer } from './peer.ts';

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
  /** A socket that a service manager has bound at our path and listens on. */
  readonly lent?: number | undefined;
  /** Everyone who may come in is told this alone. */
  readonly closed?: BrokerError;
  /** Peers of other namespaces that are let in; without it none is. */
  readonly namespaces?: AllowedNamespaces;
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
