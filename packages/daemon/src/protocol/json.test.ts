import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { maxDepth, parseStrict, StrictJsonError } from './json.ts';

function nested(depth: number): string {
  return '['.repeat(depth) + ']'.repeat(depth);
}

test.each([
  ['a key that stands twice', '{"a":1,"a":2}'],
  ['a key that stands twice, once escaped', String.raw`{"a":1,"\u0061":2}`],
  ['a key that stands twice far below', '{"x":[1,{"y":{"a":1,"b":[],"a":2}}]}'],
  ['a key that stands twice around an object', '{"a":{"b":1},"c":2,"a":3}'],
  ['a key of two that are empty', '{"":1,"":2}'],
  ['__proto__', '{"__proto__":{"polluted":true}}'],
  ['__proto__ below', '{"a":[{"__proto__":1}]}'],
  ['__proto__ in escapes', String.raw`{"\u005f_proto__":{}}`],
  ['constructor.prototype', '{"constructor":{"prototype":{"polluted":true}}}'],
  ['half a surrogate pair', String.raw`{"a":"\ud800"}`],
  ['half a surrogate pair in a key', String.raw`{"\udc00":1}`],
  ['an escape that is none', String.raw`{"a":"\x41"}`],
  ['a string without an end', '{"a":"b'],
  ['an object without an end', '{"a":{'],
  ['two values', '{} {}'],
  ['closing brackets alone', ']]]]'],
  ['a mark of byte order', '\uFEFF{}'],
  ['nothing', ''],
  ['text', 'hello'],
  ['single quotes', "{'a':1}"],
  ['a comma too many', '{"a":1,}'],
  ['a comment', '{/* */}'],
  ['NaN', '{"a":NaN}'],
])('B6, B7: %s is refused', (_name, text) => {
  expect(() => parseStrict(text)).toThrow(StrictJsonError);
});

test.each([
  ['the same key in two objects', '[{"a":1},{"a":2}]'],
  ['a key that is also a value', '{"a":"a","b":["a","a"]}'],
  ['constructor alone', '{"constructor":"x","prototype":"y"}'],
  ['prototype under another key', '{"x":{"prototype":1}}'],
  ['prototype below an array', '{"constructor":[{"prototype":1}]}'],
  ['brackets, commas and quotes in strings', String.raw`{"a":"[{\",\"a\":","b":"\\"}`],
  ['a whole surrogate pair', String.raw`"\ud83d\ude00"`],
  ['white space everywhere', '\n{ "a"\t: [ 1 , 2 ] , "b" : null }\n'],
])('%s is taken as JSON takes it', (_name, text) => {
  expect(parseStrict(text)).toEqual(JSON.parse(text));
});

test('a message says nothing of the text', () => {
  const text = '{"hunter2":"hunter2","hunter2":hunter2';
  expect(() => parseStrict(text)).toThrow(
    expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
  );
  expect(() => parseStrict('{"a":hunter2}')).toThrow(/^it is not JSON$/u);
});

test(`B6: depth ${maxDepth} is taken, one more is refused, and 200,000 does not hurt`, () => {
  expect(() => parseStrict(nested(maxDepth))).not.toThrow();
  expect(() => parseStrict(nested(maxDepth + 1))).toThrow(/deeper than 64/u);
  expect(() => parseStrict(nested(200_000))).toThrow(/deeper than 64/u);
  expect(() => parseStrict('{"a":'.repeat(200_000))).toThrow(/deeper than 64/u);
});

test('whatever JSON.stringify writes comes back', () => {
  const safe = fc
    .jsonValue({ maxDepth: 8 })
    .filter((value) => !/__proto__|prototype/u.test(JSON.stringify(value)));
  fc.assert(
    fc.property(safe, (value) => {
      const text = JSON.stringify(value);
      expect(parseStrict(text)).toEqual(JSON.parse(text));
    }),
    { numRuns: 2000 },
  );
});

function outcome(
  parse: (text: string) => unknown,
  text: string,
): { value: unknown } | { error: unknown } {
  try {
    return { value: parse(text) };
  } catch (error) {
    return { error };
  }
}

test('any text is parsed as JSON.parse does, or refused by our error alone', () => {
  const tokens = fc.constantFrom(...'{ } [ ] , : " \\ 1'.split(' '), '"a"', '"b"', 'null', '\\u00');
  const text = fc.oneof(
    fc.string(),
    fc.array(tokens, { maxLength: 30 }).map((all) => all.join('')),
  );
  fc.assert(
    fc.property(text, (input) => {
      const [strict, lenient] = [outcome(parseStrict, input), outcome(JSON.parse, input)];
      const fits =
        'error' in strict
          ? strict.error instanceof StrictJsonError
          : isDeepStrictEqual(strict, lenient);
      expect(fits).toBe(true);
    }),
    { numRuns: 20_000 },
  );
});

test('a line of 256 KiB is read in a time that the number of its strings does not multiply', () => {
  const strings = `[${'"",'.repeat(80_000)}"\\n"]`;
  const before = performance.now();
  parseStrict(strings);
  expect(performance.now() - before).toBeLessThan(500);
});
