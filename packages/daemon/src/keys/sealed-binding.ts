import { timingSafeEqual } from 'node:crypto';
import { BrokerError } from '@mcp-broker/providers/errors';
import type { Keyring } from './keyring.ts';
import type { OwnItems } from './own-items.ts';
import type { Paths } from '../paths.ts';

const item = 'keychain';

/**
 * What ties a sealed file to a home on the keychain: a derived key of that home, sealed in `own.age`. Else
 * whoever writes files could put a home on the keychain, with grants of its own, around a sealed file.
 */
export interface SealedBinding {
  /** Once the home and the sealed file are open. */
  tie(): Promise<void>;
  /** Throws `ERR_CONFIG` when the sealed file that this scalar opens is not tied to the home as it is open now. */
  check(scalar: Uint8Array): Promise<void>;
}

export interface SealedBindingOptions {
  readonly keyring: Pick<Keyring, 'source' | 'derive' | 'use'>;
  /** `own.age`, opened by this identity. */
  readonly items: (identity: Pick<Keyring, 'use'>) => OwnItems;
  readonly paths: Pick<Paths, 'keychain' | 'secrets'>;
}

export function createSealedBinding({
  keyring,
  items,
  paths,
}: SealedBindingOptions): SealedBinding {
  return {
    async tie() {
      if (keyring.source === 'sealed') return;
      const tied = keyring.derive('sealed/v1');
      try {
        await items(keyring).put(item, tied);
      } finally {
        tied.fill(0);
      }
    },
    async check(scalar) {
      if (keyring.source === 'sealed') return;
      const tied = keyring.derive('sealed/v1');
      const found = await items({ use: (action) => action(scalar) }).get(item);
      try {
        const isOurs = found?.length === tied.length && timingSafeEqual(found, tied);
        if (!isOurs) throw notOurs(paths);
      } finally {
        tied.fill(0);
        found?.fill(0);
      }
    },
  };
}

function notOurs({ keychain, secrets }: SealedBindingOptions['paths']): BrokerError {
  const message = `${secrets} belongs to a home without ${keychain}, or to another key in the keychain`;
  return new BrokerError('ERR_CONFIG', message, {
    hint: `if you did not put ${keychain} there: rm ${keychain}, then mcp daemon restart; to take the sealed file in: mcp init --backend sealed`,
    subject: secrets,
  });
}
