import { expect, test } from 'vitest';
import { decodeNames, encodeNames, itemsOf, type Names } from './names.ts';

test('names come back as they were written', () => {
  const names: Names = new Map([
    ['b', { version: 2, created: 'c', updated: 'u' }],
    ['__proto__', {}],
    ['a', { unsettled: true }],
  ]);
  expect(decodeNames(encodeNames(names))).toEqual(names);
  expect(itemsOf(names)).toEqual([
    { name: '__proto__' },
    { name: 'a' },
    { name: 'b', version: '2', created: 'c', updated: 'u' },
  ]);
});

test.each([
  '',
  '{',
  '[]',
  '{"names":3}',
  '{"version":1,"names":[3]}',
  '{"version":1,"names":[[1,{}]]}',
])('what is damaged is no names: %j', (text) => {
  expect(decodeNames(Buffer.from(text))).toBeUndefined();
});

test('those of a newer version are left alone', () => {
  expect(() => decodeNames(Buffer.from('{"version":2,"names":[]}'))).toThrow(/another version/u);
});
