import { BrokerError } from '@mcp-broker/providers';
import type { Broker } from '../broker.ts';
import type { Config } from '../config/index.ts';
import type { BackendStatus } from '../protocol/backends.ts';

/** A dialog may be open; `mcp status` does not wait for it. */
const patienceMs = 1000;

/** Something leads to the keychain: else nobody asks it for anything, and its dialog opens for nobody. */
export function leadsTo({ settings, variables }: Config, backend: string): boolean {
  return (
    settings.defaultBackend === backend ||
    Object.values(variables).some((variable) => variable.backend === backend)
  );
}

export async function keychainState(
  { resolver, clock }: Broker,
  name: string,
  signal: AbortSignal,
): Promise<BackendStatus['state']> {
  const { promise: late, resolve } = Promise.withResolvers<'unavailable'>();
  const cancel = clock.after(patienceMs, () => {
    resolve('unavailable');
  });
  try {
    return await Promise.race([look(), late]);
  } finally {
    cancel();
  }

  async function look(): Promise<BackendStatus['state']> {
    try {
      await (await resolver.provider(name)).check?.({ signal });
      return 'ready';
    } catch (error) {
      return error instanceof BrokerError && error.code === 'ERR_LOCKED' ? 'locked' : 'unavailable';
    }
  }
}
