import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { decodeBase64, encodeBase64, isBase64 } from './base64.ts';

test("it writes and reads what Node's own does, at every length", () => {
  for (let length = 0; length < 400; length += 1) {
    const bytes = randomBytes(length);
    const text = encodeBase64(bytes);
    expect(text.toString()).toBe(bytes.toString('base64'));
    expect(isBase64(text)).toBe(true);
    expect(decodeBase64(text)).toEqual(bytes);
  }
});

test('every pair of characters at the end is taken exactly when it is canonical', () => {
  for (let first = 0; first < 128; first += 1) {
    for (let second = 0; second < 128; second += 1) {
      const text = Buffer.from([0x41, first, second, 0x3d]).toString('latin1');
      const canonical = Buffer.from(text, 'base64').toString('base64') === text;
      expect([text, isBase64(Buffer.from(text))]).toEqual([text, canonical]);
    }
  }
});

test.each([
  ['padding is missing', 'aGk'],
  ['padding is too long', 'aGVsbG8=='],
  ['there is padding alone', '===='],
  ['three of four are padding', 'a==='],
  ['padding stands inside', 'aG=k'],
  ['more follows the padding', 'aGk=aGk='],
  ['a stray bit is set', 'aGl='],
  ['it is the alphabet of URLs', 'aG_-'],
  ['a line ends', 'aGVs\nbG8='],
  ['a blank stands inside', 'aGVs bG8'],
])('%s: not base64', (_why, text) => {
  expect(isBase64(Buffer.from(text))).toBe(false);
});
