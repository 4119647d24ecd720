import { expect, test } from 'vitest';
import { createPresencePolicy } from './presence-mode.ts';

test('asking for more counts at once', () => {
  const policy = createPresencePolicy('terminal');
  policy.configure('passphrase');
  expect(policy.mode).toBe('passphrase');
});

test('asking for less counts once the passphrase was given', () => {
  const policy = createPresencePolicy('passphrase');
  policy.configure('terminal');
  expect(policy.mode).toBe('passphrase');
  policy.proven();
  expect(policy.mode).toBe('terminal');
});
