import type { ErrorCode } from '@mcp-broker/providers/errors';
import type { HeadRecord } from './head.ts';
import type { Head } from './link.ts';
import type { MacKey } from './mac.ts';

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
  | 'stop'
  /** Old files of the log itself were removed. */
  | 'expire';

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
  /** One name, or several with commas between them. */
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
  /** Of `exit`: what the wrapper says that the server's exit code was. */
  readonly exit?: number;
  /** Of `expire`: number of the first line that is kept, */
  readonly kept_from?: number;
  /** and the SHA-256 of the line before it, hex. */
  readonly anchor?: string;
}

/** The log as its writer knows it. */
export interface LogState extends HeadRecord {
  /** Bytes of `current.jsonl` that hold lines up to the newest, */
  readonly size: number;
  /** and those that its writer put there, a group that is being written included. */
  readonly written: number;
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
   * From now on each line has a MAC, until a line tells of a lock or a stop, which is the last one with one.
   * Undefined: the keys went before a line was written with them. The log wipes the key. `kept` is a line
   * with a MAC that was kept apart: where it, or the head, is contradicted by the log, the chain breaks here
   * for all to see, since no later MAC may vouch for what was forged.
   */
  useKey(key: MacKey | undefined, kept?: Head): void;
  /** The newest line with a MAC, once the head that names it is on the disk too. */
  checkpoint(): Head | undefined;
  /**
   * The newest lines, oldest first, without their line feeds. Called in one turn with `follow`, the two
   * neither repeat a line nor miss one.
   */
  tail(lines: number): Promise<string[]>;
  /** Calls back for each later line; gives the end of it. */
  follow(listener: (line: string) => void): () => void;
  /** What the files hold as far as they were written here, to hold them against. */
  readonly known: LogState;
  /** Number of the newest line, 0 when there is none. */
  readonly sequence: number;
  /** `failing`: the last line could not be written. */
  readonly state: 'ok' | 'failing';
  /** Writes what waits, then refuses every line. */
  close(): Promise<void>;
}
