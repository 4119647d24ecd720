import { BrokerError, keychainServices, type Locator } from '@mcp-broker/providers';
import { testBackend } from '../backend-test.ts';
import { caller, type Broker } from '../broker.ts';
import type { BackendConfig } from '../config/index.ts';
import type { Handlers } from '../listener/handler.ts';
import type { BackendSummary } from '../protocol/backends.ts';
import { formatLocator } from '../resolver.ts';
import { backendStates } from './broker.ts';
import { planOf } from './secret.ts';
import { holdTools } from './tools.ts';

/** The stores themselves: which there are, whether they work, what they keep of a value. */
export function backendHandlers(
  broker: Broker,
): Pick<Handlers, 'backend.list' | 'backend.test' | 'secret.history'> {
  return {
    async 'backend.list'(_params, context) {
      const states = await backendStates(broker, context);
      return {
        result: { backends: states.map((state) => ({ ...state, ...about(broker, state.name) })) },
      };
    },

    async 'backend.test'({ name }, context) {
      const { clock, resolver, audit } = broker;
      const { kind, settings } = configOf(broker, name);
      const { timeoutMs } = settings;
      const own = typeof timeoutMs === 'number' ? { ownMs: timeoutMs } : {};
      const known = await knownIn(broker, name);
      const line = { event: 'backend', backend: name, ...caller(context) } as const;
      // A value is read for it: no line, no value.
      await audit.append({ ...line, outcome: 'allowed' });
      let release = (): void => undefined;
      const open = async (): ReturnType<typeof resolver.provider> => {
        release = await holdTools(broker, [name], context);
        return resolver.provider(name);
      };
      const steps = await testBackend({
        clock,
        signal: context.signal,
        open,
        known,
        ...own,
      }).finally(() => {
        release();
      });
      const code = steps.find(({ problem }) => problem !== undefined)?.problem?.code;
      if (code !== undefined) await audit.append({ ...line, outcome: 'failed', code });
      return { result: { name, kind, steps } };
    },

    async 'secret.history'({ name }, context) {
      const plan = await planOf(broker, name);
      const store = await broker.resolver.provider(plan.backend);
      const versions = (await store.history?.(plan.locator, context)) ?? [];
      const locator = formatLocator(plan.locator);
      return { result: { name, backend: plan.backend, locator, versions } };
    },
  };
}

function configOf({ config }: Broker, name: string): BackendConfig {
  const found = Object.hasOwn(config.backends, name) ? config.backends[name] : undefined;
  if (found !== undefined) return found;
  throw new BrokerError('ERR_NOT_FOUND', `backend ${name} does not exist`, {
    hint: 'mcp backend list',
    subject: name,
  });
}

function about(
  { config, paths }: Broker,
  name: string,
): Pick<BackendSummary, 'isDefault' | 'variables' | 'where'> {
  const { kind, settings } = config.backends[name] ?? { kind: '', settings: {} };
  const { url, endpoint, vaultName, region, get } = settings;
  const program: unknown = Array.isArray(get) ? get[0] : undefined;
  const own: Readonly<Record<string, () => string>> = {
    'sealed-file': () => paths.secrets,
    keychain: () => keychainServices(paths.home).secrets,
  };
  const where = own[kind]?.() ?? url ?? endpoint ?? vaultName ?? region ?? program;
  return {
    isDefault: name === config.settings.defaultBackend,
    variables: Object.values(config.variables).filter(({ backend }) => backend === name).length,
    ...(typeof where === 'string' ? { where } : {}),
  };
}

/** Of a variable whose entry names the backend, the first; one by default has none. */
async function knownIn(
  { config, resolver }: Broker,
  backend: string,
): Promise<Locator | undefined> {
  const [name] = Object.entries(config.variables).find(([, one]) => one.backend === backend) ?? [];
  if (name === undefined) return undefined;
  try {
    return (await resolver.plan({ kind: 'variable', name })).locator;
  } catch {
    // What is wrong with the backend the test itself finds.
    return undefined;
  }
}
