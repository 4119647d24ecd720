import { BrokerError, createIdentityFile, createSecretsFile } from '@mcp-broker/providers';
import { caller, type Broker } from '../broker.ts';
import type { Context, Handlers } from '../listener/handler.ts';

/** Making, unlocking and locking the sealed file. */
export function sealedHandlers(
  broker: Broker,
): Pick<Handlers, 'sealed.create' | 'sealed.unlock' | 'sealed.lock'> {
  const { keyring, paths, audit } = broker;
  return {
    async 'sealed.create'(_params, context) {
      const [passphrase] = context.attachments;
      let created = false;
      if (passphrase !== undefined) {
        const scalar = await createIdentityFile(paths.identity, passphrase);
        created = true;
        keyring.adopt(scalar);
      } else if (!keyring.unlocked) {
        await keyring.unlock();
      }
      const made = await createSecretsFile(paths.secrets, keyring);
      await audit.append({
        event: 'unlock',
        outcome: 'allowed',
        backend: 'sealed',
        ...caller(context),
      });
      return { result: { created: created || made } };
    },

    async 'sealed.unlock'(_params, context) {
      if (keyring.unlocked) return { result: { unlocked: false } };
      const line = { event: 'unlock', backend: 'sealed', ...caller(context) } as const;
      try {
        await keyring.unlock(context.attachments[0]);
      } catch (error) {
        const code = error instanceof BrokerError ? error.code : 'ERR_INTERNAL';
        await audit.append({ ...line, outcome: 'failed', code });
        throw error;
      }
      await audit.append({ ...line, outcome: 'allowed' });
      return { result: { unlocked: true } };
    },

    async 'sealed.lock'(_params, context) {
      // Locking comes first and does not depend on the audit: it only takes away.
      await lockAll(broker, context);
      return { result: {} };
    },
  };
}

/** Locks the sealed file and forgets every value, then says so in the audit. */
export async function lockAll(broker: Broker, context?: Context): Promise<void> {
  broker.keyring.lock();
  broker.cache.clear();
  await broker.audit
    .append({
      event: 'lock',
      outcome: 'allowed',
      backend: 'sealed',
      ...(context === undefined ? {} : caller(context)),
    })
    .catch(() => undefined);
}
