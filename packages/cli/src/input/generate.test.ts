import { expect, test } from 'vitest';

import { generate } from './generate.ts';

test('a generated value has the length that was asked for, and letters and digits alone', () => {
  for (const length of [1, 32, 4096]) {
    expect(generate(length).toString()).toMatch(new RegExp(`^[0-9A-Za-z]{${length}}$`, 'u'));
  }
});

test('no two generated values are the same', () => {
  const values = Array.from({ length: 1000 }, () => generate(32).toString());
  expect(new Set(values).size).toBe(values.length);
});

test('every character is as likely as the next', () => {
  const counts = new Map<number, number>();
  for (const byte of generate(620_000)) counts.set(byte, (counts.get(byte) ?? 0) + 1);
  expect(counts.size).toBe(62);
  // 10,000 expected, standard deviation 99: beyond six of them is no accident, and a remainder of 256
  // by 62 without rejection would be off by a fifth.
  for (const count of counts.values()) expect(Math.abs(count - 10_000)).toBeLessThan(600);
});
