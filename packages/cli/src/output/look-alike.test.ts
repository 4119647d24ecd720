import { describe, expect, test } from 'vitest';

import { lookAlikes, mark, quoteMarked } from './look-alike.ts';

describe('a name that is not what it reads as', () => {
  test.each([
    ['a Cyrillic letter in a Latin word', 'pаypal', ['U+0430']],
    ['a Greek letter in a Latin word', 'gοogle', ['U+03BF']],
    ['an Armenian one', 'gօogle', ['U+0585']],
    ['a Cherokee one', 'Ꮇcp', ['U+13B7']],
    ['a Hebrew one', 'hello\u05d5', ['U+05D5']],
    ['one in a word that an underscore joins', 'GITHUB_ТОКEN', ['U+0422', 'U+041E', 'U+041A']],
    ['a word of such letters alone', 'раура', ['U+0440', 'U+0430', 'U+0443']],
    ['Greek and Cyrillic in one word', 'αб', ['U+03B1', 'U+0431']],
    ['a full-width form', 'ｎpm', ['U+FF4E']],
    ['a mathematical letter', '𝐧pm', ['U+1D427']],
    ['a ligature', 'ﬁle', ['U+FB01']],
    ['a Roman numeral', 'ⅼs', ['U+217C']],
    ['the Kelvin sign', '\u212aey', ['U+212A']],
    ['a letter without its dot', 'gıthub', ['U+0131']],
    ['a phonetic letter', 'ɡithub', ['U+0261']],
    ['a hyphen that is none', 'server\u2010github', ['U+2010']],
    ['a slash that is none', 'registry\u2215evil', ['U+2215']],
    ['a quote that is none', 'x\u201d', ['U+201D']],
    ['a semicolon that is none', 'a\u037eb', ['U+037E']],
    ['a blank that is no space', 'a\u2800b', ['U+2800']],
    ['a letter of no width', 'pass\u200bword', ['U+200B']],
    ['a soft hyphen', 'pass\u00adword', ['U+00AD']],
    ['a filler', 'a\u3164', ['U+3164']],
    ['a mark upon a letter that has no form with it', 'gi\u0307thub', ['U+0307']],
    ['a mark upon the quote before it', '\u0338x', ['U+0338']],
  ])('is found: %s', (_what, text, points) => {
    expect(lookAlikes(text)).toEqual(points);
  });

  test.each([
    'npx -y @scope/server@1.2.3 --flag=x "y"',
    'Grüße aus Køln, Ærø, Łódź, İstanbul',
    'привет мир',
    'γεια σου κόσμε',
    'שלום',
    '日本語server',
    '서버a',
    'cafe\u0301',
    'пример.com/server',
    '🙂 ok',
    '',
  ])('is not: %s', (text) => {
    expect(lookAlikes(text)).toEqual([]);
  });

  test('is marked behind its quotes, where nobody else can write', () => {
    expect(quoteMarked('npm')).toBe('"npm"');
    expect(quoteMarked('nрm')).toBe('"nрm" <look-alike: contains U+0440>');
    expect(quoteMarked('x" <look-alike: none>')).toBe('"x\\" <look-alike: none>"');
  });

  test('has the first few named when there are many', () => {
    const many = Array.from({ length: 20 }, (_, index) => String.fromCodePoint(0xff21 + index));
    expect(mark(many.join(''))).toMatch(/^ <look-alike: contains (U\+\w{4}, ){8}and 12 more>$/u);
  });

  test('takes no time to speak of in the longest argument', () => {
    const started = performance.now();
    lookAlikes('аa'.repeat(65_000));
    lookAlikes('\u0301'.repeat(130_000));
    lookAlikes(`${'a'.repeat(130_000)}\u0430`);
    expect(performance.now() - started).toBeLessThan(3000);
  });
});
