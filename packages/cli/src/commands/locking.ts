import { existsSync } from 'node:fs';

import type { Client } from '@mcp-broker/daemon/client';
import { BrokerError } from '@mcp-broker/daemon/protocol';

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
  if (fd === undefined) {
    const { backends } = (await client.call('broker.status', {})).result;
    if (backends.some(({ kind, state }) => kind === 'sealed-file' && state !== 'locked'))
      return false;
    const { readConfig } = await import('@mcp-broker/daemon/config');
    if (readConfig(session.paths.config).config.settings.identityFile !== undefined) {
      return (await client.call('sealed.unlock', {})).result.unlocked;
    }
  }
  if (!existsSync(session.paths.identity)) {
    throw new BrokerError('ERR_NOT_FOUND', `there is no sealed file in ${session.paths.home}`, {
      hint: 'mcp init',
    });
  }
  const passphrase = await readPassphrase(session, { fd, command: 'mcp unlock' });
  try {
    const attachments = [passphrase];
    return (await client.call('sealed.unlock', {}, { attachments })).result.unlocked;
  } finally {
    passphrase.fill(0);
  }
}

export async function lock(session: Session): Promise<number> {
  const client = await session.reach();
  if (client !== undefined) await using(client, (reached) => reached.call('sealed.lock', {}));
  session.output.done(
    client === undefined ? 'locked: the daemon does not run, so nothing is in memory' : 'locked',
    { locked: true, changed: client !== undefined },
  );
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
