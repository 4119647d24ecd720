import { copySecret } from '@mcp-broker/providers/secret-bytes';
import type { AuditEvent } from '../audit/event.ts';
import { caller, lockedMeanwhile, type Broker } from '../broker.ts';
import type { Context, Handlers } from '../listener/handler.ts';
import { refusing } from './audited.ts';
import { findSecret, summary, unknownSecret } from './secret.ts';
import { usingTools } from './tools.ts';

/** The one way to see a stored value again: a person asks for it, by name, and it is written down. */
export function revealHandlers(broker: Broker): Pick<Handlers, 'secret.open' | 'secret.reveal'> {
  const { audit, keyring, presence, resolver } = broker;

  return {
    async 'secret.open'({ name }, context) {
      const { plan } = await findSecret(broker, name, context);
      const code = await refusing(broker, lineOf(name, plan.backend, context), async () =>
        presence.open(context, subjectOf(name)),
      );
      return { result: { code } };
    },

    async 'secret.reveal'({ name, code }, context) {
      // Before anything is waited for: whoever locks from now on was told that nothing leaves any more.
      const { epoch } = keyring;
      const { plan, item } = await findSecret(broker, name, context);
      const line = lineOf(name, plan.backend, context);
      return refusing(broker, line, async () => {
        const [passphrase] = context.attachments;
        await presence.prove(context, subjectOf(name), {
          ...(code === undefined ? {} : { code }),
          ...(passphrase === undefined ? {} : { passphrase }),
        });
        keyring.touch();
        const read = await usingTools(broker, [plan.backend], context, () =>
          resolver.read(plan, ({ copy, hit, ageMs }) => ({
            value: copy(),
            cached: hit ? 1 : 0,
            age_ms: hit ? Math.round(ageMs) : 0,
          })),
        );
        if (read === undefined) throw unknownSecret(name, plan.backend);
        const { value, cached, age_ms } = read;
        try {
          // Before the answer: no line, no value.
          await audit.append({ ...line, outcome: 'allowed', cached, age_ms });
          if (keyring.epoch !== epoch) throw lockedMeanwhile('the answer');
          return { result: summary(broker, plan, item), attachments: [value.use(copySecret)] };
        } finally {
          value.wipe();
        }
      });
    },
  };
}

function lineOf(name: string, backend: string, context: Context): Omit<AuditEvent, 'outcome'> {
  return { event: 'reveal', variables: [name], backend, ...caller(context) };
}

function subjectOf(name: string): string {
  return `reveal:${name}`;
}
