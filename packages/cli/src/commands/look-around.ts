import { getConfig, readConfig } from '@mcp-broker/daemon/config';
import { BrokerError } from '@mcp-broker/daemon/protocol';

import { isThere } from './home.ts';
import { missingIdentity, unlockWithoutPassphrase } from './locking.ts';
import { using, type Session } from './session.ts';

/** What opens the sealed file, or will: an identity file of the config or the service manager, or a passphrase. */
export type Opens = 'a file' | 'its passphrase' | 'a new passphrase';

/** Where the keys of this home come from already; undefined: it is not set up. */
export function keySource({ paths }: Session): 'sealed' | 'keychain' | undefined {
  if (isThere(paths.keychain)) return 'keychain';
  return isThere(paths.identity) || isThere(paths.secrets) ? 'sealed' : undefined;
}

/** The default backend that config.yaml names in so many words. Throws when it is broken. */
export function configuredBackend({ paths }: Session): string | undefined {
  if (!isThere(paths.config)) return undefined;
  const { origin, value } = getConfig(paths.config, 'settings.default_backend');
  return origin === 'file' ? String(value) : undefined;
}

export function hasIdentityFile({ paths }: Session): boolean {
  return (
    isThere(paths.config) && readConfig(paths.config).config.settings.identityFile !== undefined
  );
}

/**
 * What is there already. Throws when the config is broken or names another identity, and when there are
 * secrets that nothing here opens.
 */
export async function lookAround(
  session: Session,
  identityFile: string | undefined,
): Promise<{ readonly complete: boolean; readonly opens: Opens }> {
  const { paths } = session;
  const configured = configuredIdentity(session);
  const hasConfig = isThere(paths.config);
  if (hasConfig && identityFile !== undefined && configured !== identityFile) {
    throw new BrokerError(
      'ERR_CONFIG',
      `${paths.config} is there and does not name ${identityFile}`,
      {
        hint: `write it there yourself: settings: {identity_file: ${JSON.stringify(identityFile)}}`,
      },
    );
  }
  const complete = isThere(paths.secrets);
  if ((configured ?? identityFile) !== undefined) return { complete, opens: 'a file' };
  if (isThere(paths.identity)) return { complete, opens: 'its passphrase' };
  // What opens a home on the keychain opens no sealed file.
  const mayBeLent = keySource(session) !== 'keychain';
  if (mayBeLent && (await isLentIdentity(session))) return { complete, opens: 'a file' };
  if (complete) throw missingIdentity(session);
  return { complete, opens: 'a new passphrase' };
}

function configuredIdentity({ paths, output }: Session): string | undefined {
  if (!isThere(paths.config)) return undefined;
  const { config, unusable } = readConfig(paths.config);
  for (const { message, hint } of unusable) {
    output.warn(hint === undefined ? message : `${message} (${hint})`);
  }
  return config.settings.identityFile;
}

/** Whether the daemon that runs has an identity from its service manager. */
export async function isLentIdentity(session: Session): Promise<boolean> {
  const client = isThere(session.paths.home) ? await session.reach() : undefined;
  if (client === undefined) return false;
  return using(client, async (reached) => {
    // A daemon on the keychain may have outlived an init that failed and took the home's files away.
    const { keys } = (await reached.call('broker.status', {})).result;
    return keys.source === 'sealed' && unlockWithoutPassphrase(reached);
  });
}
