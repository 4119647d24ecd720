import { expect, test } from 'vitest';
import type { Broker } from '../broker.ts';
import type { Context } from '../listener/handler.ts';
import { peerOf } from '../testing/fake-machine.ts';
import { secretHandlers } from './secret.ts';

const plan = { subject: 'A', backend: 'sealed', locator: { path: 'A' }, ttlMs: 0 };
const context = { peer: peerOf(7), attachments: [Buffer.from('value')] } as unknown as Context;

/** How often the idle time began anew. */
async function touches(
  call: (handlers: ReturnType<typeof secretHandlers>) => Promise<unknown>,
): Promise<number> {
  let count = 0;
  const store = {
    put: async () => ({}),
    delete: async () => true,
    list: async () => [{ name: 'A' }],
  };
  await call(
    secretHandlers({
      keyring: { touch: () => (count += 1) },
      config: { backends: {}, settings: { defaultBackend: 'sealed', ttlMs: 0 } },
      cache: { clear: () => 0 },
      audit: { append: async () => undefined },
      resolver: {
        plan: async () => plan,
        provider: async () => store,
        forget: () => true,
        cachedMs: () => undefined,
      },
    } as unknown as Broker),
  );
  return count;
}

test('a look at what is stored, which a server may have, puts off no lock', async () => {
  expect([
    await touches(async (handlers) => handlers['secret.list']({}, context)),
    await touches(async (handlers) => handlers['secret.show']({ name: 'A' }, context)),
    await touches(async (handlers) => handlers['cache.clear']({ names: ['A'] }, context)),
  ]).toEqual([0, 0, 0]);
});

test('a change does', async () => {
  expect([
    await touches(async (handlers) => handlers['secret.set']({ name: 'A' }, context)),
    await touches(async (handlers) => handlers['secret.remove']({ name: 'A' }, context)),
  ]).toEqual([1, 1]);
});
