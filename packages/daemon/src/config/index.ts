import type { ErrorShape } from '@mcp-broker/providers/errors';

/** What config.yaml says, with defaults filled in, durations in milliseconds and `~` expanded. */
export interface Config {
  readonly settings: {
    readonly defaultBackend: string;
    readonly ttlMs: number;
    readonly maxStaleMs: number;
    readonly path: readonly string[] | undefined;
    readonly presence: 'terminal' | 'passphrase';
    readonly lockAfterMs: number;
    readonly identityFile: string | undefined;
    readonly limits: { readonly frame: number; readonly connections: number; readonly connectionsPerProcess: number };
  };
  /** Name → kind and the settings that its provider takes. `sealed` is always there. */
  readonly backends: Readonly<Record<string, { readonly kind: string; readonly settings: Readonly<Record<string, unknown>> }>>;
  readonly variables: Readonly<Record<string, VariableConfig>>;
}

export interface VariableConfig {
  readonly backend?: string;
  readonly path?: string;
  readonly field?: string;
  readonly version?: string;
  readonly ttlMs?: number;
  readonly maxStaleMs?: number;
}

export interface LoadedConfig {
  readonly config: Config;
  readonly state: 'loaded' | 'absent';
  /** Entries that cannot be used although the file can: a `password:` in a target. */
  readonly unusable: readonly ErrorShape[];
}

/** Parses the text of a config file. Throws one `ERR_CONFIG` that names every problem by key and line. */
export declare function parseConfig(text: string, file: string): LoadedConfig;

/** Opens without following links, checks kind, owner, mode and size, and parses the very bytes read. */
export declare function readConfig(file: string): LoadedConfig;

/** The JSON Schema of config.yaml, for editors. */
export declare function configJsonSchema(): object;
