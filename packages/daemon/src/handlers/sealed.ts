import { BrokerError, createIdentityFile, createSecretsFile } from '@mcp-broker/providers';
import { existsSync } from 'node:fs';
import { caller, type Broker } from '../broker.ts';
import type { Context, Handlers } from '../listener/handler.ts';
import { unlocking } from '../keys/unlocking.ts';

/** Making the sealed file; unlocking and locking it and the home. */
export function sealedHandlers(
  broker: Broker,
): Pick<Handlers, 'sealed.create' | 'sealed.unlock' | 'sealed.lock'> {
  const { binding, keychain, keyring, opening, paths } = broker;

  return {
    async 'sealed.create'(_params, context) {
      const [passphrase] = context.attachments;
      const isNew = !existsSync(paths.identity) && !keyring.hasIdentityFile;
      await unlocking(broker, asked(context), async () => {
        if (passphrase !== undefined && keyring.hasIdentityFile) {
          throw new BrokerError(
            'ERR_USAGE',
            'this home has an identity file and takes no passphrase',
            {
              hint: `remove settings.identity_file from ${paths.config} first`,
            },
          );
        }
        if (passphrase !== undefined && isNew) {
          await createIdentity(broker, passphrase);
        } else if (!keyring.isSealedOpen) {
          await keyring.unlock(passphrase, context.signal);
        }
      });
      // Whoever has the passphrase, and asks for this, takes it in.
      await binding.tie();
      const made = await createSecretsFile(paths.secrets, keyring);
      return { result: { created: isNew || made } };
    },

    async 'sealed.unlock'(_params, context) {
      const [passphrase] = context.attachments;
      const wasUnlocked = keyring.unlocked;
      if (keyring.source === 'keychain') {
        keychain.unshut();
        await opening.open(caller(context));
        if (passphrase === undefined) return { result: { unlocked: !wasUnlocked } };
      }
      if (keyring.isSealedOpen) return { result: { unlocked: !wasUnlocked } };
      await unlocking(broker, asked(context), () =>
        keyring.unlock(passphrase, context.signal, (scalar) => binding.check(scalar)),
      );
      return { result: { unlocked: true } };
    },

    async 'sealed.lock'(_params, context) {
      // Locking comes first and does not depend on the audit: it only takes away.
      if (keyring.source === 'keychain') keychain.shut();
      await lockAll(broker, context);
      return { result: {} };
    },
  };
}

function asked(context: Context): Parameters<typeof unlocking>[1] {
  return { backend: 'sealed', ...caller(context) };
}

/** Makes identity.age. Never beside secrets that another identity holds. */
async function createIdentity({ keyring, paths }: Broker, passphrase: Buffer): Promise<void> {
  if (existsSync(paths.secrets)) {
    throw new BrokerError('ERR_NO_HOME', `${paths.secrets} is there, but its identity.age is not`, {
      hint: `put ${paths.identity} back, or move ${paths.secrets} away`,
      subject: paths.identity,
    });
  }
  if (keyring.isSealedOpen) {
    throw new BrokerError('ERR_USAGE', 'an identity whose file has gone is unlocked', {
      hint: 'mcp lock',
    });
  }
  const { epoch } = keyring;
  const scalar = await createIdentityFile(paths.identity, passphrase);
  // Locked meanwhile: it stays so, and the file that was made is there to be unlocked.
  if (keyring.epoch === epoch) keyring.adopt(scalar);
  else scalar.fill(0);
}

/**
 * Locks the home and forgets every value, then says so in the audit. OpenSSL has a copy of the key
 * in each object that V8 has not collected yet: it is made to, before anybody is told that it is locked.
 */
export async function lockAll(broker: Broker, context?: Context): Promise<void> {
  broker.keyring.lock();
  broker.cache.clear();
  broker.grants.lock();
  await broker.audit
    .append({
      event: 'lock',
      outcome: 'allowed',
      backend: broker.keyring.source,
      ...(context === undefined ? {} : caller(context)),
    })
    .catch(() => undefined);
  globalThis.gc?.();
}
