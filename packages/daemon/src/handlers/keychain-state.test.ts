import { BrokerError } from '@mcp-broker/providers';
import { expect, test } from 'vitest';
import type { Broker } from '../broker.ts';
import { parseConfig } from '../config/index.ts';
import { fakeClock } from '../testing/fake-clock.ts';
import { keychainState, leadsTo } from './keychain-state.ts';

const unavailable = new BrokerError('ERR_BACKEND_UNAVAILABLE', 'x');
const cases: readonly (readonly [string, () => Promise<void>])[] = [
  ['ready', async () => undefined],
  ['locked', async () => Promise.reject(new BrokerError('ERR_LOCKED', 'x'))],
  ['unavailable', async () => Promise.reject(unavailable)],
  ['unavailable', async () => new Promise(() => undefined)],
];

test.each(cases)('the keychain is %s, and is not waited for', async (state, check) => {
  const clock = fakeClock();
  const resolver = { provider: async () => ({ check }) };
  const asked = keychainState(
    { resolver, clock } as unknown as Broker,
    'keychain',
    new AbortController().signal,
  );
  // Those that answer do so before any time goes by.
  await Promise.race([asked, new Promise(setImmediate)]);
  clock.pass(2000);
  expect(await asked).toBe(state);
});

test.each([
  ['settings: {default_backend: keychain}', true],
  ['variables: {A: {backend: keychain}}', true],
  ['variables: {A: {backend: sealed}}', false],
])('something leads to it: %s', (text, expected) => {
  const { config } = parseConfig(`version: "1.0"\n${text}\n`, 'config.yaml');
  expect(leadsTo(config, 'keychain')).toBe(expected);
});
