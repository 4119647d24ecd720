import { expect, test } from 'vitest';

import { age, duration, size } from './duration.ts';

test.each([
  [0, '0s'],
  [999, '0s'],
  [90_000, '90s'],
  [300_000, '5m'],
  [3_600_000, '1h'],
  [3_700_000, '61m'],
  [28_800_000, '8h'],
  [86_400_000, '1d'],
  [-5, '0s'],
])('%i ms reads as %s', (milliseconds, text) => {
  expect(duration(milliseconds)).toBe(text);
});

test('an age is the time since, never negative, and nothing for no time', () => {
  const now = Date.parse('2026-01-01T01:00:00Z');
  expect(age('2026-01-01T00:00:00Z', now)).toBe('1h');
  expect(age('2026-01-01T02:00:00Z', now)).toBe('0s');
  expect(age(undefined, now)).toBeUndefined();
  expect(age('yesterday', now)).toBeUndefined();
});

test('bytes read in the unit that fits', () => {
  expect([12, 4096, 5 * 1024 ** 2].map(size)).toEqual(['12 B', '4 KiB', '5.0 MiB']);
});
