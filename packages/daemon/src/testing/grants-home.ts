import { mkdirSync } from 'node:fs';
import type { BrokerError } from '@mcp-broker/providers';
import type { Clock } from '../clock.ts';
import { createOwnItems, type OwnItems } from '../keys/own-items.ts';
import { locatePaths, type Paths } from '../paths.ts';
import { createGrants, type Grants, type GrantsOptions } from '../grants/grants.ts';
import type { Refusal } from '../grants/grants-file.ts';
import { createKeyring, type Keyring } from '../keys/keyring.ts';
import { createVault } from '../memory.ts';

/** The grants of one home as a daemon has them, for tests. */
export interface GrantsHome {
  readonly paths: Paths;
  readonly keyring: Keyring;
  readonly own: OwnItems;
  readonly grants: Grants;
  readonly refused: { readonly refusal: Refusal; readonly problem: BrokerError }[];
}

export interface GrantsHomeOptions {
  readonly home: string;
  readonly clock: Clock;
  /** Of an environment of its own. */
  readonly config?: string;
  /** What the identity is made of; without it the home is locked. */
  readonly identity?: number | undefined;
  readonly own?: (own: OwnItems) => OwnItems;
  readonly paths?: Partial<GrantsOptions['paths']>;
}

/** A daemon that has just started. Another one of the same home starts where it ended. */
export function grantsHome(options: GrantsHomeOptions): GrantsHome {
  const { home, clock, config } = options;
  const paths = { ...locatePaths({ home, config }), ...options.paths };
  mkdirSync(paths.state, { recursive: true, mode: 0o700 });
  const keyring = createKeyring({
    vault: createVault(),
    clock,
    sealed: paths.identity,
    identityFile: () => undefined,
    lockAfterMs: () => Number.MAX_SAFE_INTEGER,
    onIdle: () => undefined,
    onOther: () => undefined,
  });
  if (options.identity !== undefined) unlock(keyring, options.identity);
  const sealed = createOwnItems({
    file: paths.own,
    identity: keyring,
    lock: () => Promise.resolve(() => undefined),
    now: () => clock.now(),
    after: (ms, action) => clock.after(ms, action),
  });
  const own = options.own?.(sealed) ?? sealed;
  const refused: GrantsHome['refused'] = [];
  const grants = createGrants({
    paths,
    clock,
    keyring,
    own,
    onRefused: (refusal, problem) => refused.push({ refusal, problem }),
  });
  return { paths, keyring, own, grants, refused };
}

export function unlock(keyring: Keyring, identity = 7): void {
  keyring.adopt(new Uint8Array(32).fill(identity));
}
