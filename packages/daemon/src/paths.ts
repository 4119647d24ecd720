import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

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
  readonly grants: string;
}

export interface PathOptions {
  /** `--home`. */
  readonly home?: string | undefined;
  /** `--config`: another environment, with its own daemon, grants and audit but the same secrets. */
  readonly config?: string | undefined;
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

export function locatePaths(options: PathOptions = {}): Paths {
  const environment = options.environment ?? process.env;
  const home = resolve(options.home ?? (environment['MCP_HOME'] || join(homedir(), '.mcp')));
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
    grants: `${state}/grants`,
  };
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
  if (path === '~') return homedir();
  return path.startsWith('~/') ? join(homedir(), path.slice(2)) : path;
}
