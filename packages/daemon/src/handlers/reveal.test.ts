import { expect, test } from 'vitest';
import type { Broker } from '../broker.ts';
import type { Context } from '../listener/handler.ts';
import { createVault } from '../memory.ts';
import { peerOf } from '../testing/fake-machine.ts';
import { revealHandlers } from './reveal.ts';

const context = { peer: peerOf(7), attachments: [], signal: new AbortController().signal };

/** A home that is locked while this is under way. */
function reveal(lockedWhile?: 'list' | 'prove' | 'read' | 'append'): Promise<unknown> {
  const keyring = { epoch: 0, touch: () => undefined };
  const vault = createVault();
  const during = async (step: typeof lockedWhile): Promise<void> => {
    await Promise.resolve();
    if (step === lockedWhile) keyring.epoch += 1;
  };
  const plan = { subject: 'A', backend: 'keychain', locator: { path: 'A' }, ttlMs: 1 };
  const broker = {
    keyring,
    config: { backends: {} },
    audit: { append: () => during('append') },
    presence: { prove: () => during('prove') },
    resolver: {
      plan: () => Promise.resolve(plan),
      provider: () => Promise.resolve({ list: () => during('list').then(() => [{ name: 'A' }]) }),
      read: async (_plan: unknown, action: (cached: object) => unknown) => {
        await during('read');
        return action({ copy: () => vault.store(Buffer.from('value')), hit: false, ageMs: 0 });
      },
      cachedMs: () => undefined,
    },
  } as unknown as Broker;
  const params = { name: 'A', code: 'ABCD' };
  return revealHandlers(broker)['secret.reveal'](params, context as unknown as Context);
}

test('a person who proves to be there is shown the value', async () => {
  const { attachments } = (await reveal()) as { attachments: Buffer[] };
  expect(attachments.map(String)).toEqual(['value']);
});

test.each(['list', 'prove', 'read', 'append'] as const)(
  'nothing is shown when the home is locked in between (%s)',
  async (step) => {
    await expect(reveal(step)).rejects.toMatchObject({ code: 'ERR_LOCKED' });
  },
);
