import { expect, test } from 'vitest';
import { createPresencePolicy } from './presence-mode.ts';

test('a config that asks for more counts at once', () => {
  const policy = createPresencePolicy('terminal');
  policy.configure('passphrase');
  expect(policy.mode).toBe('passphrase');
});

test('B4: a config that asks for less does not count while the daemon runs', () => {
  const policy = createPresencePolicy('passphrase');
  policy.configure('terminal');
  expect(policy.mode).toBe('passphrase');
});
