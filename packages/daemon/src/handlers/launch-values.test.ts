import { Secret, type Provider } from '@mcp-broker/providers';
import { expect, test } from 'vitest';
import { createCache } from '../cache.ts';
import { systemClock } from '../clock.ts';
import { parseConfig } from '../config/index.ts';
import { readLaunch } from '../launch.ts';
import { createVault } from '../memory.ts';
import { createResolver } from '../resolver.ts';
import { readValues, type Values } from './launch-values.ts';

test('ten launches at once read each variable once, and each gets its own', async () => {
  const reads: string[] = [];
  const answers: (() => void)[] = [];
  /** It answers nobody until everybody has asked. */
  const store: Provider = {
    local: true,
    locate: (name) => ({ path: name }),
    async get({ path }) {
      reads.push(path);
      await new Promise<void>((resolve) => answers.push(resolve));
      return new Secret(Buffer.from(`value of ${path}`));
    },
  };
  const { config } = parseConfig('version: "1.0"\n', 'config.yaml');
  const resolver = createResolver({
    config: () => config,
    clock: systemClock,
    cache: createCache({ vault: createVault(), clock: systemClock, maxEntries: 100 }),
    open: async () => store,
  });
  const namesOf = (index: number): string[] => ['ALL', `PAIR_${index >> 1}`, `OWN_${index}`];

  const launch = async (index: number): Promise<Values> => {
    const environment = namesOf(index).map((name) => ({
      name,
      value: `$<${name}>`,
      origin: 'entry' as const,
    }));
    const plan = readLaunch({ args: [], environment });
    const variables = await Promise.all(
      [...plan.references.values()].map(({ reference }) => resolver.plan(reference)),
    );
    return readValues(resolver, plan, variables);
  };
  const indexes = Array.from({ length: 10 }, (_, index) => index);
  const launches = Promise.all(indexes.map(launch));
  await expect.poll(() => reads.length).toBe(16);
  for (const answer of answers) answer();

  const values = (await launches).map(({ attachments }) => attachments.map(String));
  expect(values).toEqual(indexes.map((index) => namesOf(index).map((name) => `value of ${name}`)));
  expect(reads.toSorted()).toEqual([...new Set(indexes.flatMap(namesOf))].toSorted());
});
