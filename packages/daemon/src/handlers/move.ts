import { timingSafeEqual } from 'node:crypto';
import {
  BrokerError,
  isSupported,
  type CallOptions,
  type Locator,
  type Provider,
  type Secret,
} from '@mcp-broker/providers';
import { caller, type Broker } from '../broker.ts';
import { leadVariable } from '../config/lead-variable.ts';
import type { Context, Handlers } from '../listener/handler.ts';
import type { Methods } from '../protocol/messages.ts';
import type { Plan } from '../resolver.ts';
import { changing } from './audited.ts';
import { keepsAll, planOf, readOnly, unknownSecret } from './secret.ts';
import { usingTools } from './tools.ts';

/** A place that a value can lie in. */
interface Place {
  readonly backend: string;
  readonly store: Provider;
  readonly locator: Locator;
}

/**
 * A value moves from one backend to another. First it is in both, then its name leads to the new place, and
 * then it is removed from the old one: whatever ends us in between, the name leads to the value.
 */
export function moveHandlers(broker: Broker): Pick<Handlers, 'secret.move'> {
  return {
    async 'secret.move'({ name, to }, context) {
      const plan = await planOf(broker, name);
      return usingTools(broker, [plan.backend, to], context, async () => ({
        result: await (plan.backend === to
          ? tidy(broker, name, to, context)
          : move(broker, name, plan, to, context)),
      }));
    },
  };
}

type Moved = Methods['secret.move']['result'];

async function move(
  broker: Broker,
  name: string,
  plan: Plan,
  to: string,
  context: Context,
): Promise<Moved> {
  const { field, version } = plan.locator;
  if (field !== undefined || version !== undefined) throw notWhole(broker, name);
  const from = await placeOf(broker, plan.backend, plan.locator);
  const target = await placeOf(broker, to, name);
  if (from.store.delete === undefined) throw keepsAll(from.backend);
  const value = await from.store.get(from.locator, context);
  if (value === undefined) throw unknownSecret(name, from.backend);
  try {
    const other = alsoLeading(broker, name, from);
    if (other !== undefined) throw shared(broker, name, other);
    broker.keyring.touch();
    await copy(broker, name, value, target, context);
    await leadVariable(broker.paths.config, name, to);
    await broker.reload();
    await removeOld(broker, name, value, from, context);
    return { name, from: from.backend, to, removed: true };
  } finally {
    value.wipe();
  }
}

async function placeOf(broker: Broker, backend: string, at: Locator | string): Promise<Place> {
  const store = await broker.resolver.provider(backend);
  return { backend, store, locator: typeof at === 'string' ? store.locate(at) : at };
}

/** A variable beside this one whose entry leads to the place, or to a part of what lies there. */
function alsoLeading({ config }: Broker, name: string, place: Place): string | undefined {
  const { settings, variables } = config;
  const found = Object.entries(variables).find(
    ([other, { backend = settings.defaultBackend, path = place.store.locate(other).path }]) =>
      other !== name && backend === place.backend && path === place.locator.path,
  );
  return found?.[0];
}

/** Written down, written, read back and compared; what is not the same is taken away again. */
async function copy(
  broker: Broker,
  name: string,
  value: Secret,
  target: Place,
  context: Context,
): Promise<void> {
  const { backend, store, locator } = target;
  if (store.put === undefined) throw readOnly(backend);
  const before = await holds(target, value, context);
  if (before === 'another') throw occupied(name, backend);
  // An earlier move was cut short here.
  if (before === 'it') return;
  const line = { event: 'set', variables: [name], backend, ...caller(context) } as const;
  await changing(broker, line, async () => {
    await store.put?.(locator, value.bytes, context);
    if ((await holds(target, value, context)) === 'it') return;
    await store.delete?.(locator, context);
    const rest = store.delete === undefined ? `, and what ${backend} took is still there` : '';
    throw new BrokerError('ERR_CHECK_FAILED', `${backend} gave another value of ${name} back`, {
      hint: `${name} stays where it was${rest}; try: mcp backend test ${backend}`,
      subject: name,
    });
  });
}

/** Not what was set there since it was read. */
async function removeOld(
  broker: Broker,
  name: string,
  value: Secret,
  old: Place,
  context: Context,
): Promise<void> {
  const { backend, store, locator } = old;
  const found = await holds(old, value, context);
  if (found === 'another') {
    throw new BrokerError('ERR_CHECK_FAILED', `${name} was set anew in ${backend} while it moved`, {
      hint: `both values are kept; the name leads to the one before: mcp secret set ${name}`,
      subject: name,
    });
  }
  if (found === 'nothing') return;
  const line = { event: 'delete', variables: [name], backend, ...caller(context) } as const;
  await changing(broker, line, async () => store.delete?.(locator, context));
}

/** The name leads there already. What an earlier move that was cut short left behind goes. */
async function tidy(broker: Broker, name: string, to: string, context: Context): Promise<Moved> {
  const { store, locator } = await placeOf(broker, to, (await planOf(broker, name)).locator);
  const value = await store.get(locator, context);
  if (value === undefined) throw unknownSecret(name, to);
  try {
    for (const [backend, { kind }] of Object.entries(broker.config.backends)) {
      if (backend === to || !isSupported(kind)) continue;
      const place = await placeOf(broker, backend, name);
      if (!place.store.local || place.store.delete === undefined) continue;
      if (alsoLeading(broker, name, place) !== undefined) continue;
      const found = await holds(place, value, context).catch(() => 'nothing');
      if (found !== 'it') continue;
      await removeOld(broker, name, value, place, context);
      return { name, from: backend, to, removed: true };
    }
    return { name, from: to, to, removed: false };
  } finally {
    value.wipe();
  }
}

async function holds(
  { store, locator }: Place,
  value: Secret,
  options: CallOptions,
): Promise<'it' | 'another' | 'nothing'> {
  const found = await store.get(locator, options);
  if (found === undefined) return 'nothing';
  try {
    const { length } = value.bytes;
    return found.bytes.length === length && timingSafeEqual(found.bytes, value.bytes)
      ? 'it'
      : 'another';
  } finally {
    found.wipe();
  }
}

function notWhole(broker: Broker, name: string): BrokerError {
  return new BrokerError('ERR_USAGE', `${name} is one field or version of a secret`, {
    hint: `it cannot be moved alone: change its entry under variables in ${broker.paths.config}`,
    subject: name,
  });
}

function shared({ paths }: Broker, name: string, other: string): BrokerError {
  return new BrokerError('ERR_USAGE', `${other} leads to the value of ${name} as well`, {
    hint: `it would lose it: first let ${other} lead elsewhere, under variables in ${paths.config}`,
    subject: name,
  });
}

function occupied(name: string, backend: string): BrokerError {
  return new BrokerError('ERR_USAGE', `${backend} holds another value of ${name} already`, {
    hint: `to use that one: mcp config set variables.${name}.backend ${backend}`,
    subject: name,
  });
}
