import { BrokerError, type Item, type Provider } from '@mcp-broker/providers';
import { caller, type Broker } from '../broker.ts';
import { leadVariable } from '../config/lead-variable.ts';
import { changing } from './audited.ts';
import type { Context, Handlers } from '../listener/handler.ts';
import type { SecretSummary } from '../protocol/messages.ts';
import { isVariableName } from '../reference.ts';
import { formatLocator, type Plan } from '../resolver.ts';
import { usingTools } from './tools.ts';

/** What a person does with stored values: write, name and remove them, never read them. */
export function secretHandlers(
  broker: Broker,
): Pick<Handlers, 'secret.set' | 'secret.list' | 'secret.show' | 'secret.remove' | 'cache.clear'> {
  const { resolver, cache, audit } = broker;

  return {
    async 'secret.set'({ name, backend }, context) {
      const [value] = context.attachments;
      if (value === undefined) {
        throw new BrokerError('ERR_USAGE', `the value of ${name} is missing`, {
          hint: `mcp secret set ${name}`,
        });
      }
      const { plan, isNewPlace } = await placeFor(broker, name, backend, context);
      const store = await resolver.provider(plan.backend);
      if (store.put === undefined) throw readOnly(plan.backend);
      const line = {
        event: 'set',
        variables: [name],
        backend: plan.backend,
        ...caller(context),
      } as const;
      const { before, info } = await usingTools(broker, [plan.backend], context, async () => ({
        before: await itemOf(store, plan, context.signal),
        // A list or a summary is a look: servers may have one, and only a change is to put off the lock.
        info: await changing(broker, line, async () => {
          broker.keyring.touch();
          return store.put?.(plan.locator, value, context);
        }),
      }));
      if (isNewPlace) {
        await leadVariable(broker.paths.config, name, plan.backend);
        await broker.reload();
      }
      resolver.forget(plan);
      const version = info?.version === undefined ? {} : { version: info.version };
      const created = before === undefined;
      // A store without versions does not say; then it counts as a change.
      const changed = created || info?.version === undefined || info.version !== before.version;
      return {
        result: {
          name,
          backend: plan.backend,
          created,
          changed,
          ...version,
          ...(isNewPlace ? { entry: true } : {}),
        },
      };
    },

    async 'secret.list'({ backend }, context) {
      const name = backend ?? broker.config.settings.defaultBackend;
      const store = await resolver.provider(name);
      if (store.list === undefined) {
        throw new BrokerError('ERR_USAGE', `backend ${name} cannot list its items`, {
          hint: 'name the variable: mcp secret show NAME',
        });
      }
      const items = await usingTools(
        broker,
        [name],
        context,
        async () => (await store.list?.(context)) ?? [],
      );
      return {
        result: {
          secrets: await Promise.all(items.map(async (item) => summarise(broker, item, name))),
        },
      };
    },

    async 'secret.show'({ name }, context) {
      const { plan, item } = await findSecret(broker, name, context);
      return { result: summary(broker, plan, item) };
    },

    async 'secret.remove'({ name }, context) {
      const plan = await planOf(broker, name);
      const store = await resolver.provider(plan.backend);
      if (store.delete === undefined) throw keepsAll(plan.backend);
      if ((await itemOf(store, plan, context.signal)) === undefined)
        throw unknownSecret(name, plan.backend);
      const line = {
        event: 'delete',
        variables: [name],
        backend: plan.backend,
        ...caller(context),
      } as const;
      await changing(broker, line, async () => {
        broker.keyring.touch();
        return store.delete?.(plan.locator, context);
      });
      resolver.forget(plan);
      return { result: { name, backend: plan.backend } };
    },

    async 'cache.clear'({ names }, context) {
      let cleared = 0;
      if (names === undefined) {
        cleared = cache.clear();
      } else {
        for (const name of names) {
          const plan = await planOf(broker, name);
          if (resolver.forget(plan)) cleared += 1;
        }
      }
      await audit.append({
        event: 'config',
        outcome: 'allowed',
        ...(names === undefined ? {} : { variables: names }),
        ...caller(context),
      });
      return { result: { cleared } };
    },
  };
}

/** Throws `ERR_UNKNOWN_VARIABLE` when its backend has no such secret. */
export async function findSecret(
  broker: Broker,
  name: string,
  context: Context,
): Promise<{ plan: Plan; item: Item }> {
  const plan = await planOf(broker, name);
  const store = await broker.resolver.provider(plan.backend);
  // What cannot be listed is known by its name alone, and only reading shows whether it is there.
  if (store.list === undefined) return { plan, item: { name: plan.locator.path } };
  const item = await usingTools(broker, [plan.backend], context, () =>
    itemOf(store, plan, context.signal),
  );
  if (item === undefined) throw unknownSecret(name, plan.backend);
  return { plan, item };
}

/** Where the value goes. Throws `ERR_USAGE` rather than leave one behind where the name leads to now. */
async function placeFor(
  broker: Broker,
  name: string,
  backend: string | undefined,
  context: Context,
): Promise<{ readonly plan: Plan; readonly isNewPlace: boolean }> {
  const plan = await planOf(broker, name);
  if (backend === undefined || backend === plan.backend) return { plan, isNewPlace: false };
  const { resolver, config } = broker;
  const store = await resolver.provider(backend);
  const entry = Object.hasOwn(config.variables, name) ? config.variables[name] : undefined;
  if (entry?.path !== undefined || (await isKept(broker, plan, context))) {
    throw new BrokerError(
      'ERR_USAGE',
      `${name} belongs to backend ${plan.backend}, not ${backend}`,
      {
        hint: `to move it there: mcp secret mv ${name} --to ${backend}`,
        subject: name,
      },
    );
  }
  const kind = config.backends[backend]?.kind ?? plan.kind;
  return { plan: { ...plan, backend, kind, locator: store.locate(name) }, isNewPlace: true };
}

/** A store that cannot be asked does not keep a person from using another. */
async function isKept(broker: Broker, plan: Plan, context: Context): Promise<boolean> {
  try {
    const store = await broker.resolver.provider(plan.backend);
    const found = await usingTools(broker, [plan.backend], context, () =>
      itemOf(store, plan, context.signal),
    );
    return found !== undefined;
  } catch {
    return false;
  }
}

/** Throws `ERR_USAGE` for what is no name of a variable. */
export async function planOf(broker: Broker, name: string): Promise<Plan> {
  if (!isVariableName(name)) {
    throw new BrokerError('ERR_USAGE', `${JSON.stringify(name)} is not a name for a variable`, {
      hint: 'names have letters, digits and _, at most 128, and do not start with a digit',
      subject: name,
    });
  }
  return broker.resolver.plan({ kind: 'variable', name });
}

async function itemOf(store: Provider, plan: Plan, signal: AbortSignal): Promise<Item | undefined> {
  const items = await store.list?.({ signal });
  return items?.find((item) => item.name === plan.locator.path);
}

async function summarise(broker: Broker, item: Item, backend: string): Promise<SecretSummary> {
  const plan = await broker.resolver.plan({ kind: 'variable', name: item.name });
  if (plan.backend === backend && plan.locator.path === item.name)
    return summary(broker, plan, item);
  return { ...item, backend, locator: item.name, ttlMs: broker.config.settings.ttlMs };
}

export function summary(broker: Broker, plan: Plan, item: Item): SecretSummary {
  const cached = broker.resolver.cachedMs(plan);
  return {
    ...item,
    name: plan.subject,
    backend: plan.backend,
    locator: formatLocator(plan.locator),
    ttlMs: plan.ttlMs,
    ...(cached === undefined ? {} : { cachedMs: Math.round(cached) }),
  };
}

export function unknownSecret(name: string, backend: string): BrokerError {
  return new BrokerError('ERR_UNKNOWN_VARIABLE', `no value for ${name} in backend ${backend}`, {
    hint: 'mcp secret list',
    subject: name,
  });
}

export function readOnly(backend: string): BrokerError {
  return new BrokerError('ERR_USAGE', `backend ${backend} cannot be written to`, {
    hint: 'change the value with the tool of that store',
    subject: backend,
  });
}

/** Of a store that can be written to, perhaps, and takes nothing away. */
export function keepsAll(backend: string): BrokerError {
  return new BrokerError('ERR_USAGE', `backend ${backend} cannot remove a value`, {
    hint: 'remove it with the tool of that store',
    subject: backend,
  });
}
