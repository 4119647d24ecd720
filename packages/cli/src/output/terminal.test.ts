import { describe, expect, test } from 'vitest';

import { escape, json, quote } from './terminal.ts';

describe('text that someone else wrote', () => {
  test.each([
    ['a cursor movement', '\u001b[2J\u001b[1;1H', '\\e[2J\\e[1;1H'],
    ['a C1 control', '\u009b31m', '\\x9b31m'],
    ['a carriage return that would overwrite the line', 'safe\rrm -rf', 'safe\\rrm -rf'],
    ['a line feed that would begin a line of ours', 'x\nmcp: approved', 'x\\nmcp: approved'],
    ['NUL, bell, backspace and DEL', '\0\u0007\b\u007f', '\\x00\\x07\\x08\\x7f'],
    ['text turned around', 'a\u202egnp.exe\u2066', 'a\\u{202e}gnp.exe\\u{2066}'],
    ['a character of no width', 'pass\u200bword\ufeff', 'pass\\u{200b}word\\u{feff}'],
    ['a hidden tag', 'a\u{e0041}', 'a\\u{e0041}'],
    ['a line separator', 'a\u2028b', 'a\\u{2028}b'],
    ['half a character', 'a\ud800b', 'a\\u{d800}b'],
    ['a space that is none', 'a\u00a0b\u3000c', 'a\\xa0b\\u{3000}c'],
    ['an imitation of an escape', '\\e[2J', '\\\\e[2J'],
    ['a variation selector', 'a\ufe0f', 'a\\u{fe0f}'],
  ])('B19: shows %s', (_what, text, shown) => {
    expect(escape(text)).toBe(shown);
  });

  test('is left alone where it is what it looks like', () => {
    const plain = 'npx -y "@scope/server" Grüße 日本語 🙂 ~/x';
    expect(escape(plain)).toBe(plain);
  });

  test('shows every control as printable ASCII, and no two of them alike', () => {
    const controls = Array.from({ length: 0xa0 }, (_, code) => String.fromCharCode(code)).filter(
      (character) => /\p{Cc}/u.test(character),
    );
    const shown = controls.map(escape);
    expect(shown.filter((text) => !/^[\u0020-\u007e]+$/u.test(text))).toEqual([]);
    expect(new Set(shown).size).toBe(controls.length);
  });

  test('cuts nothing', () => {
    const long = 'x'.repeat(100_000);
    expect(escape(long)).toBe(long);
  });

  test('stands between quotes that it cannot close', () => {
    expect(quote('a" b')).toBe('"a\\" b"');
    expect(quote('')).toBe('""');
    expect(quote('a\\" b')).toBe('"a\\\\\\" b"');
  });
});

test('B19: JSON on a terminal does nothing there, and reads back as it was', () => {
  const value = { 'k\u202e': ['a\u009b31m\u001b[2J\n', 'b\u2028\u{e0041}\u200b', 'c\\n"é名🙂'] };
  const text = json(value, 2);
  expect(JSON.parse(text)).toEqual(value);
  expect(text.replaceAll('\n', '')).toMatch(/^[\u0020-\u007eé名🙂]*$/u);
  expect(text).toContain('é名🙂');
});
