import { existsSync } from 'node:fs';
import type { Broker } from '../broker.ts';
import { after } from '../clock.ts';
import type { KeysStatus } from '../protocol/messages.ts';

const patienceMs = 1000;

/** Where the keys of grants and audit come from, and why they are not there. */
export async function keysState({
  clock,
  keyring,
  keychain,
  opening: { underWay },
}: Broker): Promise<KeysStatus> {
  // It seldom takes long; a dialog that nobody answers does.
  if (underWay !== undefined) await Promise.race([underWay, after(clock, patienceMs)]);
  const { source, unlocked } = keyring;
  if (unlocked || source === 'sealed') return { source, state: unlocked ? 'ready' : 'locked' };
  return { source, state: 'locked', problem: keychain.closed().toShape() };
}

/** A home on the keychain needs none. */
export function hasSealedFile({ keyring, paths }: Broker): boolean {
  return keyring.source === 'sealed' || existsSync(paths.secrets);
}

/** While a home on the keychain is closed, nothing in the keychain is to be had. */
export function closedState({ keyring, keychain }: Broker): 'locked' | 'unavailable' | undefined {
  if (keyring.source === 'sealed' || keyring.unlocked) return undefined;
  return keychain.closed().code === 'ERR_LOCKED' ? 'locked' : 'unavailable';
}
