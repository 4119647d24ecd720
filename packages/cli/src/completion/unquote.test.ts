import { expect, test } from 'vitest';

import { unquote } from './unquote.ts';

test.each([
  ['plain', 'plain'],
  ['', ''],
  ["'a b'", 'a b'],
  ["'open", 'open'],
  ['"open', 'open'],
  ['"a\\"b\\n"', 'a"b\\n'],
  ['a\\ b', 'a b'],
  ['a\\', 'a'],
  [`a'b'"c"d`, 'abcd'],
  ['$(id)', '$(id)'],
  ['~/x', '~/x'],
])('%s is %s', (typed, word) => {
  expect(unquote(typed)).toBe(word);
});
