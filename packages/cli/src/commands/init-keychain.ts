import type { Client } from '@mcp-broker/daemon/client';
import { setConfig } from '@mcp-broker/daemon/config';
import { BrokerError, toBrokerError } from '@mcp-broker/daemon/protocol';

import { isThere } from './home.ts';
import type { Choice } from './init-backend.ts';
import { configuredBackend } from './look-around.ts';
import { makeWhole, type Making } from './make-home.ts';
import { using, type Session } from './session.ts';

export interface Tried {
  /** Paths that were made; undefined: nothing had to be. */
  readonly created?: readonly string[] | undefined;
  /** The key of a home that was there had gone, and it has another one. */
  readonly hasNewKey?: boolean;
  /** It does not work here, and nothing was made. */
  readonly problem?: BrokerError;
}

/** Puts the home on the keychain. Throws what is wrong with it when it has to be the keychain. */
export async function initialiseKeychain(
  choice: Choice,
  path: Making['path'],
  session: Session,
): Promise<Tried> {
  const { paths } = session;
  if (choice.isOnKeychain && isThere(paths.config)) return keepKey(session);
  refuseSealed(session);
  try {
    const created = await makeWhole(session, {
      defaultBackend: 'keychain',
      path,
      async fill(client) {
        await client.call('keychain.create', {});
        await makeDefault(client, session);
      },
    });
    return { created };
  } catch (error) {
    if (!(error instanceof BrokerError) || !isOfKeychain(error)) throw error;
    if (choice.isOpen) return { problem: error };
    throw new BrokerError(error.code, `the keychain does not work here: ${error.message}`, {
      hint: error.code === 'ERR_LOCKED' ? error.hint : 'mcp init --backend sealed',
      cause: error,
    });
  }
}

/** Nothing changes, but where the key is gone from the keychain. */
async function keepKey(session: Session): Promise<Tried> {
  try {
    const client = await session.connect();
    const { created } = await using(
      client,
      async (reached) => (await reached.call('keychain.create', {})).result,
    );
    return { hasNewKey: created };
  } catch (error) {
    const { message, hint } = toBrokerError(error);
    session.output.warn(hint === undefined ? message : `${message} (${hint})`);
    return {};
  }
}

function isOfKeychain({ code }: BrokerError): boolean {
  return ['ERR_LOCKED', 'ERR_BACKEND_UNAVAILABLE', 'ERR_ABORTED'].includes(code);
}

/** Throws when the config has been told otherwise. */
function refuseSealed(session: Session): void {
  if (configuredBackend(session) !== 'sealed') return;
  const { config } = session.paths;
  throw new BrokerError('ERR_CONFIG', `the default backend of ${config} is sealed`, {
    hint: 'mcp config set settings.default_backend keychain',
  });
}

/** A config that was there, and names none. */
async function makeDefault(client: Client, session: Session): Promise<void> {
  if (configuredBackend(session) !== undefined) return;
  await setConfig(session.paths.config, 'settings.default_backend', 'keychain');
  await client.call('config.reload', {});
}
