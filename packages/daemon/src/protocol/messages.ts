import type { ErrorShape } from '@mcp-broker/providers/errors';
import type { Reference } from '../reference.ts';
import type { ApprovalMethods, EnvironmentEntry } from './approvals.ts';
import type { BackendMethods, BackendStatus } from './backends.ts';

/**
 * The messages between the command line and the daemon; docs/PROTOCOL.md describes them for other
 * languages. JSON-RPC 2.0, one message a line. Secret bytes are never inside JSON: a message whose
 * `attachments` is N is followed by N times a 4-byte big-endian length and as many bytes.
 */

/** Raised when a change would break a client. */
export const protocolVersion = 1;

export interface Request<M extends Method = Method> {
  readonly jsonrpc: '2.0';
  readonly id: number;
  readonly method: M;
  readonly params: Methods[M]['params'];
  readonly attachments?: number;
}

export interface Notification {
  readonly jsonrpc: '2.0';
  readonly method: string;
  readonly params: unknown;
}

export interface Answer {
  readonly jsonrpc: '2.0';
  readonly id: number;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: ErrorShape };
  readonly attachments?: number;
}

export interface Hello {
  readonly protocol: number;
  /** What the caller says of itself; a claim, kept for the audit. */
  readonly client?: string;
}

export interface HelloResult {
  readonly protocol: number;
  readonly version: string;
  readonly pid: number;
}

export interface LaunchRequest {
  /** The command as typed: a name to look up or a path. */
  readonly command: string;
  readonly args: readonly string[];
  /** The child's PATH, to look the command up; null when it has none. */
  readonly path: string | null;
  readonly environment: readonly EnvironmentEntry[];
  /** Read `$<…>` in arguments too, although every process can read what replaces them. */
  readonly allowArgs?: boolean;
  /** Claims: what the caller says the server is called. */
  readonly server?: string;
  /** How long to wait for a person, in milliseconds; 0 by default. `launch.pending` tells what to type. */
  readonly waitMs?: number;
}

/**
 * The other form of a launch: what is run stands in a file, and the daemon reads it. The attachment is the
 * whole environment that the launch came with, as `NAME=value`, each ended by a NUL.
 */
export interface EntryLaunchRequest {
  /** `file`: absolute path of a client's file. Without one: a server of config.yaml's `servers:`. */
  readonly entry: {
    readonly file?: string;
    readonly name: string;
    /** Files that the wrapper has read: of others it is told nothing. */
    readonly shown?: readonly ShownFile[];
  };
  /** What counts before the entry's own environment. */
  readonly environment: readonly EnvironmentEntry[];
  readonly allowArgs?: boolean;
  /** Claims: without it the name of the entry. */
  readonly server?: string;
  readonly waitMs?: number;
}

/** A file, by the path that it was asked for, and the SHA-256 of what was read, in hex. */
export interface ShownFile {
  readonly path: string;
  readonly sha256: string;
}

/** What the wrapper starts for an entry. */
export interface LaunchEntry {
  readonly command: string;
  /** Their `$<…>` count as in the request of a command. */
  readonly args: readonly string[];
  /** What the entry sets, `PATH` too. */
  readonly environment: readonly { readonly name: string; readonly text: readonly EntryPart[] }[];
  /** An absolute path; without it the wrapper's own folder. */
  readonly cwd?: string;
  /** Which of the variables that the launch came with the server gets. */
  readonly inherit: 'all' | readonly string[];
}

/** Plain text, a reference, or what an inherited variable holds. */
export type EntryPart = string | Reference | { readonly kind: 'inherited'; readonly name: string };

/** A file as it was when it was hashed. 64-bit numbers are decimal strings. */
export interface FileIdentity {
  readonly path: string;
  readonly dev: string;
  readonly ino: string;
  readonly size: string;
  readonly mtimeNs: string;
  readonly ctimeNs: string;
}

export interface LaunchTicket {
  /** The launch id that every audit line of this launch carries. */
  readonly launch: string;
  /** Single use, bound to this connection and to the process at its other end. Empty: nothing is to be taken. */
  readonly ticket: string;
  /** What to run, then every further file that counts; compared with the disk directly before the spawn. */
  readonly files: readonly FileIdentity[];
  /** The server's PATH, where it is another than the request says: that one did not find it. */
  readonly path?: string;
  /** The answer to the form with an entry. Without references it has no ticket and no files. */
  readonly entry?: LaunchEntry;
  /** Instead of all else: a file that has to be shown, or shown anew. The wrapper asks again. */
  readonly show?: string;
}

export interface LaunchValues {
  /** For each distinct reference, by its canonical text: the attachment's index, or null: its default. */
  readonly values: Readonly<Record<string, number | null>>;
}

export interface SecretSummary {
  readonly name: string;
  readonly backend: string;
  readonly locator: string;
  readonly version?: string;
  readonly created?: string;
  readonly updated?: string;
  /** Fresh for this long once read, in milliseconds. */
  readonly ttlMs: number;
  /** In the cache now, and for how long it has been. */
  readonly cachedMs?: number;
}

/** Where the keys of grants and audit come from. */
export interface KeysStatus {
  readonly source: 'sealed' | 'keychain';
  readonly state: 'ready' | 'locked';
  /** Of a home on the keychain: why it is locked. */
  readonly problem?: ErrorShape;
}

export interface LaunchTake {
  readonly ticket: string;
  /** The process that asks becomes the server itself. */
  readonly replace?: boolean;
}

/** A launch that runs. */
export interface LaunchStatus {
  readonly launch: string;
  /** A claim. */
  readonly server?: string;
  readonly variables: readonly string[];
  /** ISO 8601, UTC. */
  readonly since: string;
  /** What the process that took the values calls itself: a claim. */
  readonly client?: string;
  /** Who started that process; it may have ended. The name is what that program calls itself. */
  readonly parent?: { readonly pid: number; readonly name: string };
  /** Pid of the process that took the values; none where that has become the server. */
  readonly wrapper?: number;
  /** Of the server; not there until the wrapper has told it. */
  readonly pid?: number;
  /** The process that took the values has become the server, or is about to. */
  readonly replaced?: true;
}

export interface Status {
  readonly version: string;
  readonly pid: number;
  /** ISO 8601, UTC. */
  readonly started: string;
  readonly home: string;
  /** The socket is a service manager's: it stays when the daemon stops, and starts the next one. */
  readonly lentSocket?: true;
  readonly config: {
    readonly file: string;
    /** `kept`: the file on disk is broken and the one before it is in force. */
    readonly state: 'loaded' | 'absent' | 'kept';
    readonly problem?: ErrorShape;
    /** Entries that cannot be used although the file can. */
    readonly unusable: readonly ErrorShape[];
  };
  readonly keys: KeysStatus;
  readonly backends: readonly BackendStatus[];
  readonly cache: { readonly entries: number; readonly bytes: number };
  readonly memory: {
    /** Bytes that hold or may hold secrets. */
    readonly reserved: number;
    /** Bytes that the kernel really keeps out of swap, or null where it does not say. */
    readonly locked: number | null;
    /** Resident bytes of the whole daemon. */
    readonly resident: number;
  };
  readonly grants: number;
  /** Why the grants file grants nothing. */
  readonly grantsProblem?: ErrorShape;
  readonly pending: number;
  readonly connections: number;
  readonly launches: readonly LaunchStatus[];
  readonly audit: { readonly sequence: number; readonly state: 'ok' | 'failing' };
}

/** What `audit.verify` found. */
export interface AuditVerdict {
  readonly ok: boolean;
  /** Lines that were read, in all files. */
  readonly lines: number;
  /** Number of the newest line. */
  readonly sequence: number;
  /** Number of the last line that a MAC covers; null: none, or the keys are locked. */
  readonly covered: number | null;
  /** The first line that is wrong: file, its line in it from 1, and what is wrong. */
  readonly problem?: { readonly file: string; readonly line: number; readonly message: string };
  /** `locked`: the chain alone was checked. */
  readonly keys: 'used' | 'locked';
}

type None = Record<string, never>;

/** Every method: what it takes and gives. Attachments stand in the comment. */
export interface Methods extends ApprovalMethods, BackendMethods {
  'broker.hello': { params: Hello; result: HelloResult };
  'broker.status': { params: None; result: Status };
  'broker.stop': { params: None; result: None };
  'config.reload': { params: None; result: None };
  /** Puts a new home on the keychain, or gives it another key when its own is gone. */
  'keychain.create': { params: None; result: { readonly created: boolean } };
  /** Attachment: the new passphrase, but for a home with an identity file. Makes identity.age and an empty secrets.age; leaves them unlocked. */
  'sealed.create': { params: None; result: { readonly created: boolean } };
  /** Attachment: the passphrase, but for a home with an identity file. */
  'sealed.unlock': { params: None; result: { readonly unlocked: boolean } };
  'sealed.lock': { params: None; result: None };
  /** Attachment: the value. */
  'secret.set': {
    params: { readonly name: string; readonly backend?: string };
    result: {
      readonly name: string;
      readonly backend: string;
      readonly version?: string;
      readonly created: boolean;
      /** False: that value was there already. */
      readonly changed: boolean;
      /** The name led elsewhere before: it has an entry in config.yaml now. */
      readonly entry?: true;
    };
  };
  'secret.list': {
    params: { readonly backend?: string };
    result: { readonly secrets: readonly SecretSummary[] };
  };
  'secret.show': { params: { readonly name: string }; result: SecretSummary };
  /** What has to be shown before `secret.reveal`: gives the code to type. Needs a controlling terminal. */
  'secret.open': { params: { readonly name: string }; result: { readonly code: string } };
  /** With `code`, or the sealed file's passphrase as the attachment. The answer's attachment: the value. */
  'secret.reveal': {
    params: { readonly name: string; readonly code?: string };
    result: SecretSummary;
  };
  'secret.remove': {
    params: { readonly name: string };
    result: { readonly name: string; readonly backend: string };
  };
  /** The value to another backend, and the name's entry in config.yaml with it. */
  'secret.move': {
    params: { readonly name: string; readonly to: string };
    result: {
      readonly name: string;
      /** `to`, when it was there already. */
      readonly from: string;
      readonly to: string;
      /** The old place held it, and does no longer. */
      readonly removed: boolean;
    };
  };
  'cache.clear': {
    params: { readonly names?: readonly string[] };
    result: { readonly cleared: number };
  };
  /**
   * Attachment: the inherited variables that steer (`isInheritedSteering`), as `NAME=value`, each ended
   * by a NUL; none when there is none. With an entry: all variables.
   */
  'launch.request': { params: LaunchRequest | EntryLaunchRequest; result: LaunchTicket };
  /** The answer's attachments: one value for each reference that has one. */
  'launch.take': { params: LaunchTake; result: LaunchValues };
  /** The server runs: a child of the process that took its values. Again to a daemon that has restarted. */
  'launch.started': { params: { readonly launch: string; readonly pid: number }; result: None };
  /** The server has ended with this exit code, or with 128 and the number of its signal. */
  'launch.ended': { params: { readonly launch: string; readonly exit: number }; result: None };
  /** Reads every file of the log. While locked, MACs are not checked. */
  'audit.verify': { params: None; result: AuditVerdict };
  /** The last lines, oldest first; with `follow`, each later line comes as `audit.line`. */
  'audit.tail': {
    params: { readonly lines: number; readonly follow?: boolean };
    result: { readonly lines: readonly string[] };
  };
}

export type Method = keyof Methods;

/** Sent by the daemon on a connection that asked for it. */
export interface Events {
  /** A launch that may wait waits: for whom, and the command that a person types. */
  'launch.pending': { readonly id: string; readonly hint: string };
  'audit.line': { readonly line: string };
}

/** Sent by a client: the answer to this request is no longer wanted. */
export interface Cancel {
  readonly method: 'request.cancel';
  readonly params: { readonly id: number };
}
