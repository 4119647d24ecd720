import { BrokerError } from '@mcp-broker/providers/errors';
import { existsSync } from 'node:fs';
import { caller, type Broker } from '../broker.ts';
import type { Handlers } from '../listener/handler.ts';
import { unlocking } from '../keys/unlocking.ts';

/** Puts a home on the keychain. */
export function keychainHandlers(broker: Broker): Pick<Handlers, 'keychain.create'> {
  const { keychain, keyring, paths } = broker;

  return {
    async 'keychain.create'(_params, context) {
      const isKept = keyring.source === 'keychain' && existsSync(paths.keychain);
      if (isKept && keyring.unlocked) return { result: { created: false } };
      if (keyring.source === 'sealed') requireNothingSealed(broker);
      let created = false;
      const { epoch } = keyring;
      await unlocking(broker, { backend: 'keychain', ...caller(context) }, async () => {
        const key = await keychain.create();
        if (key === undefined) {
          await keyring.open();
        } else {
          created = true;
          if (keyring.epoch !== epoch) {
            key.fill(0);
            throw keyring.closed();
          }
          keyring.adoptHomeKey(key);
        }
      });
      return { result: { created } };
    },
  };

  /** What was sealed and granted under another key would be lost. */
  function requireNothingSealed({ keyring: { unlocked, hasIdentityFile } }: Broker): void {
    const there = [paths.identity, paths.secrets].find((path) => existsSync(path));
    if (there === undefined && !unlocked && !hasIdentityFile) return;
    throw new BrokerError('ERR_USAGE', `the keys of ${paths.home} come from its sealed file`, {
      hint: 'its values may lie in the keychain all the same: mcp secret set NAME --backend keychain',
      subject: there,
    });
  }
}
