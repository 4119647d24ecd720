import { existsSync } from 'node:fs';

import type { Client } from '@mcp-broker/daemon/client';
import { BrokerError, type BackendStatus, type Status } from '@mcp-broker/daemon/protocol';

import { readPassphrase } from '../input/secret.ts';
import { using, type Session } from './session.ts';

export interface UnlockInput {
  /** The descriptor that gives the passphrase; undefined: the terminal, or the config's identity file. */
  readonly fd: number | undefined;
}

export async function unlock(input: UnlockInput, session: Session): Promise<number> {
  const changed = await using(await session.connect(), (client) => open(client, input, session));
  session.output.done(changed ? 'unlocked' : 'already unlocked', { unlocked: true, changed });
  return 0;
}

/** False when it was unlocked already, and nobody had to be asked. */
async function open(client: Client, { fd }: UnlockInput, session: Session): Promise<boolean> {
  const status = await statusOf(client);
  if (status.keys.source === 'keychain') return openKeychainHome(client, status, { fd }, session);
  if (fd === undefined) {
    if (status.keys.state !== 'locked') return false;
    const { readConfig } = await import('@mcp-broker/daemon/config');
    if (readConfig(session.paths.config).config.settings.identityFile !== undefined) {
      return (await client.call('sealed.unlock', {})).result.unlocked;
    }
  }
  if (!existsSync(session.paths.identity)) {
    if (await unlockWithoutPassphrase(client)) return true;
    throw missingIdentity(session);
  }
  const passphrase = await readPassphrase(session, { fd, command: 'mcp unlock' });
  return unlockWith(client, passphrase, session);
}

/** The keychain is asked anew; a sealed file beside it has a passphrase, and opens as well. */
async function openKeychainHome(
  client: Client,
  { backends }: Status,
  { fd }: UnlockInput,
  session: Session,
): Promise<boolean> {
  const hasPassphrase = existsSync(session.paths.identity);
  if (fd !== undefined && !hasPassphrase) {
    throw new BrokerError('ERR_USAGE', 'this home is on the keychain and has no passphrase', {
      hint: 'mcp unlock',
    });
  }
  const { unlocked } = (await client.call('sealed.unlock', {})).result;
  if (!hasPassphrase || !backends.some(isLockedFile)) return unlocked;
  if (fd === undefined && !canAsk(session)) {
    session.output.note('the sealed file beside the keychain stays locked: mcp unlock --fd N');
    return unlocked;
  }
  const question = `Passphrase of ${session.paths.identity}: `;
  const passphrase = await readPassphrase(session, { fd, command: 'mcp unlock', question });
  return (await unlockWith(client, passphrase, session)) || unlocked;
}

/** Sends the passphrase, and wipes it. False when it was unlocked already. */
export async function unlockWith(
  client: Client,
  passphrase: Buffer,
  { output }: Session,
): Promise<boolean> {
  const stopProgress = output.progress('the passphrase is checked, which takes a second');
  try {
    const attachments = [passphrase];
    return (await client.call('sealed.unlock', {}, { attachments })).result.unlocked;
  } finally {
    stopProgress();
    passphrase.fill(0);
  }
}

/** False when the daemon has no identity file, of the service manager or the config, to unlock with. */
export async function unlockWithoutPassphrase(client: Client): Promise<boolean> {
  try {
    await client.call('sealed.unlock', {});
    return true;
  } catch (error) {
    if (error instanceof BrokerError && error.code === 'ERR_USAGE') return false;
    throw error;
  }
}

/** Nothing here can be unlocked: nothing was set up, or what opens it is gone. */
export function missingIdentity({ paths }: Session): BrokerError {
  return existsSync(paths.secrets)
    ? new BrokerError('ERR_NOT_FOUND', `${paths.identity} is gone, and it opens secrets.age`, {
        hint: `put it back from a backup, or start the unit that lends it; or give the secrets up: mv ${paths.secrets} ${paths.secrets}.old, then mcp init`,
      })
    : new BrokerError('ERR_NOT_FOUND', `there is no sealed file in ${paths.home}`, {
        hint: 'mcp init',
      });
}

async function statusOf(client: Client): Promise<Status> {
  return (await client.call('broker.status', {})).result;
}

export async function isLocked(client: Client): Promise<boolean> {
  return (await statusOf(client)).keys.state === 'locked';
}

function isLockedFile({ kind, state }: BackendStatus): boolean {
  return kind === 'sealed-file' && state === 'locked';
}

/** Of a home on the keychain: its sealed file, if it has one. */
export async function isSealedLocked(session: Session): Promise<boolean> {
  const { backends } = await using(await session.connect(), statusOf);
  return backends.some(isLockedFile);
}

/**
 * Does what needs the sealed file unlocked. When it is locked, a person at a terminal is asked for the
 * passphrase; without one, or without a terminal, `ERR_LOCKED` is thrown.
 */
export async function whileUnlocked<T>(
  session: Session,
  action: (client: Client) => Promise<T>,
): Promise<T> {
  try {
    return await using(await session.connect(), action);
  } catch (error) {
    if (!(error instanceof BrokerError) || error.code !== 'ERR_LOCKED') throw error;
    if (!(await offerUnlock(session))) throw error;
    return using(await session.connect(), action);
  }
}

/** For a command that is about to ask for more: a person is asked for the passphrase before that. */
export async function unlockFirst(session: Session): Promise<void> {
  if (await using(await session.connect(), isLocked)) await offerUnlock(session);
}

/** False when nobody can be asked, or there is no passphrase to ask for. */
async function offerUnlock(session: Session): Promise<boolean> {
  if (!existsSync(session.paths.identity)) return false;
  if (!canAsk(session)) return false;
  const passphrase = await readPassphrase(session, {
    fd: undefined,
    command: 'mcp unlock',
    question: 'The sealed file is locked. Passphrase: ',
  });
  await using(await session.connect(), (client) => unlockWith(client, passphrase, session));
  return true;
}

function canAsk(session: Session): boolean {
  const terminal = session.openTerminal();
  terminal?.close();
  return terminal !== undefined;
}

export async function lock(session: Session): Promise<number> {
  // The next daemon would open a home on the keychain by itself.
  const isOnKeychain = existsSync(session.paths.keychain);
  const client = isOnKeychain ? await session.connect() : await session.reach();
  if (client === undefined) {
    session.output.done('locked: the daemon does not run, so nothing is in memory', {
      locked: true,
      changed: false,
    });
    return 0;
  }
  const changed = await using(client, async (reached) => {
    const before = await isLocked(reached).catch(() => false);
    // In any case: what is not known must not keep it unlocked.
    await reached.call('sealed.lock', {});
    return !before;
  });
  session.output.done(changed ? 'locked' : 'already locked', { locked: true, changed });
  return 0;
}

export interface ClearCacheInput {
  /** None: all. */
  readonly names: readonly string[];
}

export async function clearCache({ names }: ClearCacheInput, session: Session): Promise<number> {
  const client = await session.reach();
  let cleared = 0;
  if (client !== undefined) {
    const params = names.length === 0 ? {} : { names };
    const { result } = await using(client, (reached) => reached.call('cache.clear', params));
    cleared = result.cleared;
  }
  session.output.done(`cleared ${cleared} ${cleared === 1 ? 'value' : 'values'}`, { cleared });
  return 0;
}
