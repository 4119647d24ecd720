import type { ErrorShape } from '@mcp-broker/providers/errors';

/**
 * What a person decides on, as the daemon found it: the members of `LaunchDescription` are what the
 * fingerprint is a digest of (docs/fingerprint.md).
 */

/** One entry of the child's environment that holds a reference, or that `--env` sets. */
export interface EnvironmentEntry {
  readonly name: string;
  /** The text as given, references in place. */
  readonly value: string;
  /** `inherited`: `$<…>` counts anywhere, `${NAME}` only as the whole; `entry` (`--env`): both anywhere. */
  readonly origin: 'inherited' | 'entry';
}

/** One file that a launch runs, in the order in which each leads to the next. */
export interface ProgramFile {
  /**
   * `command`: what was typed. `interpreter`: what the first line of a script, or `env`, names.
   * `script`: what an interpreter is told to run. `preload`: what its options load before. `package`:
   * what the cache of a package runner holds.
   */
  readonly role: 'command' | 'interpreter' | 'script' | 'preload' | 'package';
  /** The real path. */
  readonly path: string;
  /** SHA-256 of the content, hex. */
  readonly digest: string;
}

/** What a package runner (`npx`, `uvx`, `docker run`, …) is told to fetch. */
export interface LaunchPackage {
  /** `npx`, `uvx`, `docker`, … */
  readonly runner: string;
  readonly name: string;
  /** The exact version or digest that the command line asks for; without one it is not pinned. */
  readonly pinned?: string;
  /** The version that the runner's cache on this machine holds, as far as it shows one. */
  readonly installed?: string;
}

/** An inherited variable that steers the server although the entry does not set it. */
export interface InheritedVariable {
  readonly name: string;
  /** SHA-256 of its value, hex. */
  readonly digest: string;
  /** Its value where that is no secret: of names that make a process load code. */
  readonly value?: string;
}

/** A variable of a launch: where its value lies. */
export interface LaunchVariable {
  /** Canonical text. */
  readonly reference: string;
  readonly backend: string;
  readonly kind: string;
  /** What the backend is reached by: its address and its CA, or its file. */
  readonly origin: string;
  readonly locator: string;
}

export interface LaunchDescription {
  /** The command as typed, which becomes argv[0], then its arguments. */
  readonly argv: readonly string[];
  readonly allowArgs: boolean;
  readonly files: readonly ProgramFile[];
  readonly package?: LaunchPackage;
  /** Entries with a reference, and all that the entry itself sets. */
  readonly environment: readonly EnvironmentEntry[];
  readonly inherited: readonly InheritedVariable[];
  /** PATH, where it decides what runs: package runners, `sh -c`, `env`. */
  readonly searchPath?: string;
  /** Where it decides what runs: package runners, `sh -c`, relative paths. */
  readonly workingDirectory?: string;
  /** Where the entry comes from: `command line`. */
  readonly origin: string;
  readonly variables: readonly LaunchVariable[];
}

/** `once`: the next launch within ten minutes. `session`: until lock or stop. A number: milliseconds. */
export type Lifetime = 'once' | 'session' | 'always' | number;

/** A variable of a request: where it would be put, and where it would come from. */
export interface RequestedVariable extends LaunchVariable {
  /** The variable's name, or its reference when it has a locator. */
  readonly name: string;
  /** Names of the environment entries (or `argument N`) that it goes to. */
  readonly into: readonly string[];
  /** Those of them that steer a process: it is approved when it is named, and not with the others. */
  readonly steers: readonly string[];
}

/** The commands of a backend, which the daemon runs itself, each without a shell; `{name}` in place. */
export interface BackendTool {
  readonly backend: string;
  readonly get: readonly string[];
  readonly set?: readonly string[];
  readonly list?: readonly string[];
}

/** They, as they are approved: like a launch. */
export interface RequestedTool extends Pick<PendingApproval, 'limit' | 'changes'> {
  readonly tool: BackendTool;
  /** Its `argv` is that of `get`; its files are those of all commands. */
  readonly launch: LaunchDescription;
  readonly fingerprint: string;
}

/** One part in which a launch differs from one that was approved before. */
export interface Change {
  /** `command`, `argument 2`, `file 1`, `digest of file 1`, `environment API_URL`, `package version`, … */
  readonly field: string;
  readonly before: string | null;
  readonly after: string | null;
}

export interface PendingApproval {
  /** Four characters, unique among the pending ones. */
  readonly id: string;
  /** A claim: what the caller calls the server. */
  readonly server?: string;
  readonly launch: LaunchDescription;
  /** Where the launch was asked for, whether it counts or not. */
  readonly workingDirectory: string;
  readonly fingerprint: string;
  /** Those that are not granted yet. */
  readonly variables: readonly RequestedVariable[];
  /** Names of those that are. */
  readonly granted: readonly string[];
  /** Of a request for the commands of a backend, which has no variables: `launch` is what the daemon runs. */
  readonly tool?: BackendTool;
  /** Commands of backends that the launch needs and that are not approved yet: granted with it. */
  readonly tools?: readonly RequestedTool[];
  /** The longest that a grant can live, and why; without it there is no limit. */
  readonly limit?: { readonly ms: number; readonly reason: string };
  /** Against the launch that was approved before and is most like this one. */
  readonly changes?: readonly Change[];
  readonly pid: number;
  /** ISO 8601, UTC. */
  readonly requested: string;
  readonly expires: string;
}

/** What a person decided, and for how long. */
export interface GrantSummary {
  /** Four characters, unique among grants. */
  readonly id: string;
  readonly outcome: 'allowed' | 'denied';
  readonly server?: string;
  readonly argv: readonly string[];
  /** Names; of a denial all that the launch had. */
  readonly variables: readonly string[];
  /** Of a grant for the commands of this backend, which has no variables. */
  readonly backend?: string;
  readonly fingerprint: string;
  readonly lifetime: 'once' | 'session' | 'always' | 'duration';
  /** ISO 8601, UTC. */
  readonly since: string;
  readonly until?: string;
  /** Counts in this folder and those below it alone. */
  readonly workspace?: string;
}

/** Methods about approvals; a part of `Methods`. */
export interface ApprovalMethods {
  'approval.list': {
    params: Record<string, never>;
    result: { readonly pending: readonly PendingApproval[] };
  };
  /** Shows one request, and gives the code to type. Needs a controlling terminal. */
  'approval.open': {
    params: { readonly id: string };
    result: { readonly request: PendingApproval; readonly code: string };
  };
  /**
   * Grants the request that was shown: id and fingerprint have to be its own. With `code`: as typed on
   * the terminal. Without: the attachment is the sealed file's passphrase.
   */
  'approval.grant': {
    params: {
      readonly id: string;
      readonly fingerprint: string;
      /** Names; without them all that steer nothing. The others stay pending. */
      readonly variables?: readonly string[];
      /** Without it: `always` where the content is bound, else as long as the request's limit. */
      readonly lifetime?: Lifetime;
      /** Fingerprints of the request's `tools`, as they were shown; needed when it has any. */
      readonly tools?: readonly string[];
      /** An absolute path; the launch has to have been asked for in it. */
      readonly workspace?: string;
      readonly code?: string;
    };
    /** `left`: names of variables that are still pending. */
    result: { readonly grant: GrantSummary; readonly left: readonly string[] };
  };
  /** Refuses a request, for as long as is asked: `once` only drops it. */
  'approval.deny': {
    params: { readonly id: string; readonly lifetime?: Lifetime };
    result: { readonly denial: GrantSummary };
  };
  'grant.list': {
    params: Record<string, never>;
    result: {
      readonly grants: readonly GrantSummary[];
      /** Why the grants file of this home grants nothing. */
      readonly problem?: ErrorShape;
    };
  };
  /** By id, by what the caller called the server, or all: one of the three. */
  'grant.revoke': {
    params: { readonly id?: string; readonly server?: string; readonly all?: boolean };
    result: { readonly revoked: readonly GrantSummary[] };
  };
}
