import type { ErrorCode } from '@mcp-broker/providers/errors';

/** What happened. A line tells a decision or a change; never a value. */
export type AuditEventName =
  | 'launch'
  | 'resolve'
  | 'deny'
  | 'pending'
  | 'approve'
  | 'revoke'
  | 'set'
  | 'delete'
  | 'reveal'
  | 'lock'
  | 'unlock'
  | 'config'
  | 'backend'
  | 'rotate'
  | 'lease'
  | 'target'
  | 'exit'
  | 'refused-peer'
  | 'start'
  | 'stop';

/**
 * One line of the audit log, before it is numbered and chained. Each member has a closed or checked
 * form (names, digests, numbers), so that there is no place where a value could stand.
 */
export interface AuditEvent {
  readonly event: AuditEventName;
  readonly outcome: 'allowed' | 'denied' | 'failed';
  readonly code?: ErrorCode;
  readonly launch?: string;
  /** A claim: what the caller says the server is called. */
  readonly server?: string;
  /** Names of variables or canonical references. */
  readonly variables?: readonly string[];
  readonly backend?: string;
  /** How many of the values came from the cache. */
  readonly cached?: number;
  /** Age of the oldest cached value, in milliseconds. */
  readonly age_ms?: number;
  readonly fingerprint?: string;
  readonly pid?: number;
  readonly uid?: number;
  /** What the caller says of itself. */
  readonly claims?: { readonly client?: string };
  readonly duration_ms?: number;
}

/** Writes lines; a rejection means that nothing may be given out. */
export interface AuditLog {
  /**
   * Resolves once the line is on the disk. Lines that wait together share one fsync, and fail together.
   * Throws `ERR_AUDIT`, with what to check; the next line tries again. `ERR_INTERNAL`: the event has
   * something that no line may have.
   */
  append(event: AuditEvent): Promise<void>;
  /**
   * The newest lines, oldest first, without their line feeds. Called in one turn with `follow`, the two
   * neither repeat a line nor miss one.
   */
  tail(lines: number): Promise<string[]>;
  /** Calls back for each later line; gives the end of it. */
  follow(listener: (line: string) => void): () => void;
  /** Number of the newest line, 0 when there is none. */
  readonly sequence: number;
  /** `failing`: the last line could not be written. */
  readonly state: 'ok' | 'failing';
  /** Writes what waits, then refuses every line. */
  close(): Promise<void>;
}
