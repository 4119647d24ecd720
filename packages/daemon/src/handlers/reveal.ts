import { toBrokerError } from '@mcp-broker/providers/errors';
import { copySecret } from '@mcp-broker/providers/secret-bytes';
import { caller, lockedMeanwhile, type Broker } from '../broker.ts';
import type { Context, Handlers } from '../listener/handler.ts';
import { findSecret, summary, unknownSecret } from './secret.ts';

/** The one way to see a stored value again: a person asks for it, by name, and it is written down. */
export function revealHandlers(broker: Broker): Pick<Handlers, 'secret.open' | 'secret.reveal'> {
  const { audit, keyring, presence, resolver } = broker;

  /** A refusal has its line; what is allowed has one before the value is read. */
  const refusing = async <T>(
    name: string,
    backend: string,
    context: Context,
    action: () => Promise<T>,
  ): Promise<T> => {
    try {
      return await action();
    } catch (error) {
      await audit.append({
        event: 'reveal',
        outcome: 'denied',
        code: toBrokerError(error).code,
        variables: [name],
        backend,
        ...caller(context),
      });
      throw error;
    }
  };

  return {
    async 'secret.open'({ name }, context) {
      const { plan } = await findSecret(broker, name, context.signal);
      const code = await refusing(name, plan.backend, context, async () =>
        presence.open(context, subjectOf(name)),
      );
      return { result: { code } };
    },

    async 'secret.reveal'({ name, code }, context) {
      const { plan, item } = await findSecret(broker, name, context.signal);
      const { epoch } = keyring;
      return refusing(name, plan.backend, context, async () => {
        const [passphrase] = context.attachments;
        await presence.prove(context, subjectOf(name), {
          ...(code === undefined ? {} : { code }),
          ...(passphrase === undefined ? {} : { passphrase }),
        });
        keyring.touch();
        const read = await resolver.read(plan, ({ copy, hit, ageMs }) => ({
          value: copy(),
          cached: hit ? 1 : 0,
          age_ms: hit ? Math.round(ageMs) : 0,
        }));
        if (read === undefined) throw unknownSecret(name, plan.backend);
        const { value, cached, age_ms } = read;
        try {
          await audit.append({
            event: 'reveal',
            outcome: 'allowed',
            variables: [name],
            backend: plan.backend,
            cached,
            age_ms,
            ...caller(context),
          });
          if (keyring.epoch !== epoch) throw lockedMeanwhile('the answer');
          return { result: summary(broker, plan, item), attachments: [value.use(copySecret)] };
        } finally {
          value.wipe();
        }
      });
    },
  };
}

function subjectOf(name: string): string {
  return `reveal:${name}`;
}
