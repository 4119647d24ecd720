import type { ErrorShape } from '@mcp-broker/providers/errors';

/**
 * What config.yaml says, with defaults filled in, durations in milliseconds, sizes in bytes and `~`
 * expanded. Records have no prototype, so that `constructor` is a name like any other.
 */
export interface Config {
  readonly settings: Settings;
  /** `sealed` and `keychain` are always there. */
  readonly backends: Readonly<Record<string, BackendConfig>>;
  readonly variables: Readonly<Record<string, VariableConfig>>;
  readonly servers: Readonly<Record<string, ServerConfig>>;
  readonly audit: { readonly keepMs: number; readonly rotateAt: number };
  readonly sshServers: readonly SshServer[];
  readonly kubernetesClusters: readonly KubernetesCluster[];
  readonly dockerHosts: readonly DockerHost[];
  /** Name → command line. */
  readonly aliases: Readonly<Record<string, string>>;
}

export interface Settings {
  readonly defaultBackend: string;
  readonly ttlMs: number;
  readonly maxStaleMs: number;
  /** PATH for servers that a client's own PATH does not find. */
  readonly path: readonly string[] | undefined;
  readonly presence: 'terminal' | 'passphrase';
  readonly lockAfterMs: number;
  readonly identityFile: string | undefined;
  readonly notify: boolean;
  /** Cgroup paths. */
  readonly allowNamespaces: readonly string[];
  readonly limits: {
    /** Bytes. */
    readonly frame: number;
    readonly connections: number;
    readonly connectionsPerProcess: number;
  };
  readonly proxy: ProxyConfig;
  /** A D-Bus address. */
  readonly sessionBus: string | undefined;
  readonly logLevel: 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR' | 'CRITICAL';
  readonly timeoutMs: number;
  readonly retryCount: number;
  readonly coloredOutput: boolean;
  readonly defaultK8sNamespace: string;
  readonly defaultLogLines: number;
}

export interface ProxyConfig {
  readonly http?: string;
  readonly https?: string;
  readonly noProxy: readonly string[];
}

export interface BackendConfig {
  readonly kind: string;
  /** What the provider of that kind takes, in camel case. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** For the variables of this backend that have none of their own. */
  readonly ttlMs?: number;
  readonly maxStaleMs?: number;
}

export interface VariableConfig {
  readonly backend?: string;
  readonly path?: string;
  readonly field?: string;
  readonly version?: string;
  readonly ttlMs?: number;
  readonly maxStaleMs?: number;
  readonly rotate?: RotationConfig;
}

export interface RotationConfig {
  /** Either this or `cron`. */
  readonly everyMs?: number;
  readonly cron?: string;
  readonly method: 'generate' | 'command' | 'backend' | 'oauth2' | 'ssh-key' | 'kubernetes-token';
  readonly generate: {
    readonly length: number;
    readonly alphabet: 'base62' | 'base64url' | 'hex' | 'digits';
  };
  readonly command?: readonly string[];
  readonly set?: readonly string[];
  readonly test?: readonly string[];
  readonly overlapMs: number;
  readonly onRotate: string;
}

export interface ServerConfig {
  readonly command: readonly string[];
  /** Text with references. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface SshServer {
  readonly name: string;
  readonly host: string;
  readonly user: string;
  readonly port: number;
  readonly keyPath?: string;
  readonly keyVariable?: string;
  readonly passwordVariable?: string;
  /** Name of another SSH server. */
  readonly jump?: string;
  readonly tags: readonly string[];
}

export interface KubernetesCluster {
  readonly name: string;
  readonly kubeconfigPath: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly tokenVariable?: string;
}

export interface DockerHost {
  readonly name: string;
  readonly host: string;
  readonly connectionType: 'local' | 'ssh' | 'tls';
  /** Name of an SSH server. */
  readonly sshServer?: string;
  readonly sshConfig?: { readonly user: string; readonly port: number; readonly keyPath?: string };
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKeyVariable?: string;
}

export interface LoadedConfig {
  readonly config: Config;
  readonly state: 'loaded' | 'absent';
  /** Entries that cannot be used although the file can: a `password:` in a target. */
  readonly unusable: readonly ErrorShape[];
  /** SHA-256 of what was parsed, hex: equal for equal files. */
  readonly digest: string;
}
