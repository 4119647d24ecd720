import { describe, expect, test } from 'vitest';
import { fakeClock } from '../testing/fake-clock.ts';
import { createCodes } from './codes.ts';

const wrong = expect.objectContaining({ code: 'ERR_PRESENCE' });

describe('a code', () => {
  test('is good in any case, and once', () => {
    const codes = createCodes(fakeClock());
    const code = codes.issue('launch:f', 1);
    expect(code).toMatch(/^[2-9A-HJ-NP-Z]{4}$/u);
    codes.check('launch:f', 1, ` ${code.toLowerCase()}\n`);
    expect(() => {
      codes.check('launch:f', 1, code);
    }).toThrow(wrong);
  });

  test.each([
    ['on another connection', 'launch:f', 2, undefined],
    ['for another subject', 'launch:g', 1, undefined],
    ['when it is empty', 'launch:f', 1, ''],
    ['when it is four spaces', 'launch:f', 1, '    '],
    ['when it is another one', 'launch:f', 1, '0000'],
    ['when it is longer', 'launch:f', 1, 'AAAAA'],
  ])('B24: is no good %s', (_, subject, connection, typed) => {
    const codes = createCodes(fakeClock());
    const code = codes.issue('launch:f', 1);
    expect(() => {
      codes.check(subject, connection, typed ?? code);
    }).toThrow(wrong);
  });

  test('is spent by a wrong try', () => {
    const codes = createCodes(fakeClock());
    const code = codes.issue('launch:f', 1);
    for (const typed of ['0000', code]) {
      expect(() => {
        codes.check('launch:f', 1, typed);
      }).toThrow(wrong);
    }
  });

  test('is not spent by what another connection types', () => {
    const codes = createCodes(fakeClock());
    const code = codes.issue('launch:f', 1);
    expect(() => {
      codes.check('launch:f', 2, code);
    }).toThrow(wrong);
    expect(() => {
      codes.check('launch:f', 1, code);
    }).not.toThrow();
  });

  test('ends with the next one that its connection shows', () => {
    const codes = createCodes(fakeClock());
    const first = codes.issue('reveal:A', 1);
    codes.issue('reveal:B', 1);
    expect(() => {
      codes.check('reveal:A', 1, first);
    }).toThrow(wrong);
  });

  test.each(['pass', 'jump'] as const)('B17: is no good after ten minutes (%s)', (goes) => {
    const clock = fakeClock();
    const codes = createCodes(clock);
    const code = codes.issue('launch:f', 1);
    clock[goes](10 * 60 * 1000);
    expect(() => {
      codes.check('launch:f', 1, code);
    }).toThrow(wrong);
  });

  test('of the oldest connection goes when there are very many', () => {
    const codes = createCodes(fakeClock());
    const issued = Array.from({ length: 300 }, (_, index) => codes.issue('launch:f', index));
    expect(() => {
      codes.check('launch:f', 0, issued[0] ?? '');
    }).toThrow(wrong);
    expect(() => {
      codes.check('launch:f', 299, issued[299] ?? '');
    }).not.toThrow();
  });
});
