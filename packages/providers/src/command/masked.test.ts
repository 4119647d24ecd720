import { describe, expect, test } from 'vitest';
import { maskedText } from './masked.ts';

const value = Buffer.from('correct horse battery');
const shown = (text: string, ...values: readonly Uint8Array[]): string | undefined =>
  maskedText(Buffer.from(text), values.length === 0 ? [value] : values);

describe('what a tool wrote to stderr is shown', () => {
  test.each<[what: string, text: string, shown: string]>([
    ['as it is', 'gpg: decryption failed: No secret key', 'gpg: decryption failed: No secret key'],
    ['on one line', 'one\ntwo\r\n\tthree\n', 'one two three'],
    ['without the full stop at its end', 'It failed.', 'It failed'],
    ['without the value', 'no: correct horse battery!', 'no: [masked] !'],
    ['without it in capitals', 'no: CORRECT HORSE', 'no: [masked]'],
    ['without a piece of it', 'no:-horse b', 'no:-[masked]'],
    ['without its base64', `no: ${value.toString('base64')}`, 'no: [masked]'],
    [
      'without its base64 in more',
      `no: ${Buffer.from(`a${String(value)}`).toString('base64')}`,
      'no: YW[masked]',
    ],
    ['without its hex', `no: ${value.toString('hex').toUpperCase()}`, 'no: [masked]'],
    ['without it backwards', 'no: yrettab esroh', 'no: [masked]'],
    ['without the token of another', 'with ghp_abcDEF123', 'with [masked]'],
    ['without what looks like a key', 'with Zm9vYmFyYmF6cXV4MTIz', 'with [masked]'],
    ['without a long number', 'with 123456789012', 'with [masked]'],
    [
      'without what is named as one',
      'password=abc, token: x y',
      'password=[masked] token: [masked] y',
    ],
    ['without colours and titles', '\u001B[1;31mred\u001B[0m\u001B]0;title\u0007.', 'red'],
    ['without what turns the text around', 'a\u202Eb\u200Bc', 'abc'],
    ['without what is no text', '\uFFFD\u0000x', 'x'],
  ])('%s', (_what, text, expected) => {
    expect(shown(text)?.trim()).toBe(expected);
  });

  test('cut at 300 characters', () => {
    expect(shown('word '.repeat(200))).toHaveLength(301);
  });

  test.each<[what: string, text: string, values: readonly Uint8Array[]]>([
    ['nothing was written', ' \n', [value]],
    ['the value is so short that the mask would tell', 'a b c', [Buffer.from('b')]],
    ['the value is too long to be looked for', 'text', [Buffer.alloc(70_000, 'x')]],
  ])('not at all when %s', (_what, text, values) => {
    expect(shown(text, ...values)).toBeUndefined();
  });

  test('and neither the value nor the text is changed', () => {
    const text = Buffer.from('Correct HORSE battery');
    maskedText(text, [value]);
    expect([String(value), String(text)]).toEqual([
      'correct horse battery',
      'Correct HORSE battery',
    ]);
  });
});
