import type { BrokerError } from '@mcp-broker/providers/errors';
import type { Clock } from '../clock.ts';
import type { Keyring } from '../keyring.ts';
import type { OwnItems } from '../own-items.ts';
import type { Paths } from '../paths.ts';
import type {
  GrantSummary,
  LaunchDescription,
  Lifetime,
  PendingApproval,
  RequestedVariable,
} from '../protocol/approvals.ts';
import type { Refusal } from './grants-file.ts';

/** What a grant is looked up by, all of it seen by the daemon itself. */
export interface Launching {
  readonly fingerprint: string;
  /** A real path. */
  readonly workingDirectory: string;
  readonly parent: { readonly pid: number; readonly startTime: string } | undefined;
}

/** What a person decided on a pending request. */
export interface GrantDecision {
  readonly outcome: 'allowed' | 'denied';
  readonly request: PendingApproval;
  /** Those of the request that are granted; a denial holds for the whole launch. */
  readonly variables: readonly RequestedVariable[];
  /** Without it: `always`, or as long as the request's limit. A denial for `once` is not remembered. */
  readonly lifetime?: Lifetime;
  /** A real path. */
  readonly workspace?: string;
}

/** Remembered decisions. Those that outlive a lock lie in the grants file (docs/grants.md). */
export interface Grants {
  /**
   * Reads the file, once after each unlock. Without a file it opens nothing else. Rejects with
   * `ERR_LOCKED` alone: a file that is not as it was written grants nothing, and is a `problem`.
   */
  load(): Promise<void>;
  /** The references that may be had, and the refusal that stands against all of them. */
  look(
    launching: Launching,
    references: readonly string[],
  ): { readonly granted: ReadonlySet<string>; readonly denied?: GrantSummary };
  /**
   * Values go out. What was granted once is used up; for ten seconds others of the same fingerprint and
   * the same parent process may still have it, since clients start a server to probe it.
   */
  use(launching: Launching, references: readonly string[]): void;
  /**
   * Remembers a decision; one that outlives a lock is on the disk before it resolves. Throws `ERR_USAGE`
   * when it is to live longer than the request may, `ERR_LOCKED`, and what the disk says: then nothing
   * has changed.
   */
  add(decision: GrantDecision): Promise<GrantSummary>;
  /**
   * Forgets what is named. Throws `ERR_NOT_FOUND` when there is none. It holds in memory even when the
   * file cannot be written, which throws.
   */
  revoke(which: {
    readonly id?: string;
    readonly server?: string;
    readonly all?: boolean;
  }): Promise<readonly GrantSummary[]>;
  /** The launch, of those that were ever granted and not taken back, that is most like this one. */
  similar(request: {
    readonly launch: LaunchDescription;
    readonly fingerprint: string;
    readonly server?: string;
  }): LaunchDescription | undefined;
  /** What counts now, oldest first. */
  readonly list: readonly GrantSummary[];
  /** Why the file that was there grants nothing, until the next durable grant begins a new one. */
  readonly problem: BrokerError | undefined;
  /** Forgets all in memory. What is on the disk counts again after the next unlock. */
  lock(): void;
}

export interface GrantsOptions {
  readonly paths: Pick<Paths, 'home' | 'state' | 'grants'>;
  readonly clock: Clock;
  readonly keyring: Pick<Keyring, 'unlocked' | 'epoch' | 'derive'>;
  readonly own: OwnItems;
  /** For the audit: a file was found that is not as it was written, and set aside. */
  readonly onRefused: (refusal: Refusal, problem: BrokerError) => void;
}

export function createGrants(_options: GrantsOptions): Grants {
  throw new Error('not built yet');
}
