import { readFileSync, writeFileSync } from 'node:fs';
import { openIdentityFile } from '@mcp-broker/providers';
import { systemClock } from '../../packages/daemon/src/clock.ts';
import { grantsHome, type GrantsHome } from '../../packages/daemon/src/testing/grants-home.ts';
import {
  importScalar,
  recipientOf,
  seal,
  unseal,
} from '../../packages/providers/src/sealed-file/age.ts';
import { encodeBase64 } from '../../packages/providers/src/sealed-file/base64.ts';
import {
  parseDocument,
  serializeDocument,
} from '../../packages/providers/src/sealed-file/document.ts';
import type { Home } from '../kit/home.ts';

/** What a daemon has open of a home, which has none at the time. Whoever gets it locks the keyring. */
export async function openState(home: Home): Promise<GrantsHome> {
  const state = grantsHome({ home: home.broker, clock: systemClock });
  const { keyring, paths } = state;
  keyring.adopt(await openIdentityFile(paths.identity, Buffer.from(home.passphrase)));
  return state;
}

/** Puts all of them into the sealed file at once: one by one through the command it would take an hour. */
export async function addSecrets(
  { keyring, paths }: GrantsHome,
  names: readonly string[],
  value: Uint8Array,
): Promise<void> {
  const key = keyring.use(importScalar);
  const document = parseDocument(await unseal(readFileSync(paths.secrets), key), paths.secrets);
  for (const name of names) {
    document.items.set(name, { encoded: encodeBase64(value), members: { version: 1 } });
  }
  writeFileSync(paths.secrets, await seal(serializeDocument(document), await recipientOf(key)));
}
