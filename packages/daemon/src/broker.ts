import { BrokerError } from '@mcp-broker/providers/errors';
import type { AuditEvent, AuditLog } from './audit/event.ts';
import type { AuditKeys } from './audit/keys.ts';
import type { Cache } from './cache.ts';
import type { Clock } from './clock.ts';
import type { Config, LoadedConfig } from './config/index.ts';
import type { KeychainHome } from './keys/keychain-home.ts';
import type { Keyring } from './keys/keyring.ts';
import type { Context } from './listener/handler.ts';
import type { Vault } from './memory.ts';
import type { Notifier } from './notify.ts';
import type { Opening } from './keys/opening.ts';
import type { Paths } from './paths.ts';
import type { Platform } from './platform/platform.ts';
import type { Approvals } from './grants/approvals.ts';
import type { Grants } from './grants/grants.ts';
import type { Launches } from './policy/launches.ts';
import type { Presence } from './policy/presence.ts';
import type { Programs } from './program/program.ts';
import type { Resolver } from './resolver.ts';
import type { Running } from './running/running.ts';
import type { SealedBinding } from './keys/sealed-binding.ts';
import type { Tools } from './tools/tools.ts';

/** The parts of a running daemon, as the handlers see them. */
export interface Broker {
  readonly paths: Paths;
  readonly platform: Platform;
  readonly clock: Clock;
  readonly vault: Vault;
  readonly cache: Cache;
  readonly keyring: Keyring;
  readonly keychain: KeychainHome;
  readonly opening: Opening;
  readonly binding: SealedBinding;
  readonly resolver: Resolver;
  readonly approvals: Approvals;
  readonly grants: Grants;
  readonly launches: Launches;
  readonly running: Running;
  readonly presence: Presence;
  readonly programs: Programs;
  readonly tools: Tools;
  readonly notifier: Notifier;
  readonly audit: AuditLog;
  readonly auditKeys: AuditKeys;
  readonly config: Config;
  readonly loaded: LoadedConfig;
  /** Set while the file on disk is broken and the one before it is in force. */
  readonly configProblem: BrokerError | undefined;
  readonly startedAt: number;
  /** Takes the file on disk, or throws and keeps the one in force. */
  reload(): Promise<void>;
  /** The socket is a service manager's. */
  readonly lent: boolean;
  /** How many connections are open. */
  connections(): number;
  /** Ends the daemon once the answer under way has gone out; the audit says who asked. */
  stop(by: Pick<AuditEvent, 'pid' | 'uid' | 'claims'>): void;
}

/** The members of an audit line that say who asked. */
export function caller(context: Context): Pick<AuditEvent, 'pid' | 'uid' | 'claims'> {
  return {
    pid: context.peer.pid,
    uid: context.peer.uid,
    ...(context.client === undefined ? {} : { claims: { client: context.client } }),
  };
}

/** The command line that a person types for this home. */
export function commandLine(paths: Paths, isDefaultHome: boolean, words: string): string {
  const options = [
    ...(isDefaultHome ? [] : ['--home', paths.home]),
    ...(paths.state === paths.home ? [] : ['--config', paths.config]),
  ];
  return ['mcp', ...options, words].join(' ');
}

/** What was under way when the home was locked gives nothing out. */
export function lockedMeanwhile(what: string): BrokerError {
  return new BrokerError('ERR_LOCKED', `the home was locked during ${what}`, {
    hint: 'mcp unlock',
    retryable: true,
  });
}
