import { realpathSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { BrokerError } from '@mcp-broker/providers/errors';

/** Every place of one home. Nothing here touches the disk, but for the real path of `--config`. */
export interface Paths {
  readonly home: string;
  readonly config: string;
  /** The home, or with `--config` its folder under `env/`: what this one daemon calls its own. */
  readonly state: string;
  readonly run: string;
  readonly socket: string;
  /** Held (flock) by the daemon for as long as it lives. */
  readonly lock: string;
  readonly log: string;
  readonly audit: string;
  readonly secrets: string;
  readonly identity: string;
  /** The broker's own items, sealed like the secrets, where no locator leads. */
  readonly own: string;
  /** It is there in a home on the keychain, and says which key there is its own. */
  readonly keychain: string;
  /** Made by `mcp lock` in such a home, gone with the unlock. */
  readonly shut: string;
  readonly grants: string;
  /** The launches that run, for the next daemon. */
  readonly launches: string;
}

export interface PathOptions {
  /** `--home`. */
  readonly home?: string | undefined;
  /** `--config`: another environment, with its own daemon, grants and audit but the same secrets. */
  readonly config?: string | undefined;
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** Throws `ERR_USAGE` for a MCP_HOME that is no absolute path. */
export function locatePaths(options: PathOptions = {}): Paths {
  const environment = options.environment ?? process.env;
  const home = resolve(options.home ?? (homeOf(environment['MCP_HOME']) || defaultHome()));
  // The home is normal by now; `join` would go over every path again, on the hot path of each launch.
  const config = options.config === undefined ? `${home}/config.yaml` : resolve(options.config);
  const state = options.config === undefined ? home : `${home}/env/${environmentId(config)}`;
  const run = `${state}/run`;
  return {
    home,
    config,
    state,
    run,
    socket: `${run}/broker.sock`,
    lock: `${run}/daemon.lock`,
    log: `${run}/daemon.log`,
    audit: `${state}/audit`,
    secrets: `${home}/secrets.age`,
    identity: `${home}/identity.age`,
    own: `${home}/own.age`,
    keychain: `${home}/keychain`,
    shut: `${run}/shut`,
    grants: `${state}/grants`,
    launches: `${run}/launches`,
  };
}

/**
 * The person's own folder: HOME, and where that is no absolute path (empty, say) what the system has. The
 * folder that we happen to stand in is anybody's: a repository may bring a `.mcp` along.
 */
export function personalFolder(): string {
  const folder = process.env['HOME'] ?? '';
  // Loaded here alone: the hot path seldom needs it.
  return isAbsolute(folder) ? folder : process.getBuiltinModule('node:os').userInfo().homedir;
}

export function defaultHome(): string {
  return join(personalFolder(), '.mcp');
}

function homeOf(variable: string | undefined): string | undefined {
  if (variable === undefined || variable === '' || isAbsolute(variable)) return variable;
  throw new BrokerError('ERR_USAGE', `MCP_HOME is no absolute path: ${variable}`, {
    hint: 'set MCP_HOME to an absolute path, or unset it for ~/.mcp',
  });
}

function environmentId(config: string): string {
  let real = config;
  try {
    real = realpathSync(config);
  } catch {
    // A file that is not there yet has the path that was given.
  }
  // Loaded here alone: the hot path seldom needs it.
  const { createHash } = process.getBuiltinModule('node:crypto');
  return createHash('sha256').update(real).digest('hex').slice(0, 12);
}

/** `~/x` as a path in the person's own folder; other text as it is. */
export function expandTilde(path: string): string {
  if (path === '~') return personalFolder();
  return path.startsWith('~/') ? join(personalFolder(), path.slice(2)) : path;
}
