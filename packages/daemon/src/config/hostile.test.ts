import { readFileSync } from 'node:fs';
import { BrokerError } from '@mcp-broker/providers/errors';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isMap, isScalar, parseDocument, visit } from 'yaml';
import { parseConfig } from './parse.ts';

const fixtures = new URL('../../../../test/fixtures/config/', import.meta.url);
const mebi = 1024 * 1024;

function outcome(text: string): string {
  try {
    return JSON.stringify(parseConfig(text, 'config.yaml').unusable);
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    return JSON.stringify(error.toShape());
  }
}

function rows(count: number, row: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => row(index)).join('\n');
}

describe('B8: a megabyte made to do harm is refused in bounded time', () => {
  test.each([
    ['open brackets', '['.repeat(mebi)],
    ['open braces', '{a: '.repeat(mebi / 4)],
    ['dashes', '- '.repeat(mebi / 2)],
    ['question marks', '? '.repeat(mebi / 2)],
    ['colons', 'a: '.repeat(mebi / 4)],
    ['ever deeper lines', rows(1400, (index) => `${' '.repeat(index)}a:`)],
    ['commas', `[${','.repeat(mebi - 1)}`],
    ['quotes', '"'.repeat(mebi)],
    ['bad escapes', `"${String.raw`\x`.repeat(mebi / 2 - 1)}"`],
    ['anchors', '&a '.repeat(mebi / 4)],
    ['aliases', '*a '.repeat(mebi / 4)],
    ['tags', '!'.repeat(mebi)],
    ['documents', '---\n'.repeat(mebi / 4)],
    ['line feeds', '\n'.repeat(mebi)],
    ['keys', `version: "1.0"\n${rows(60_000, (index) => `key${index}: 1`)}`],
    ['one key many times', `version: "1.0"\nvariables:\n${rows(12_000, () => ' k: {}')}`],
    ['a key that never ends', `${'a'.repeat(mebi - 3)}: 1`],
    [
      'unknown backends',
      `version: "1.0"\nvariables:\n${rows(6000, (index) => ` k${index}: {backend: x${index}}`)}`,
    ],
    [
      'an alias bomb',
      `a: &a [x]\n${rows(20, (index) => `b${index}: &b${index} [${'*a,'.repeat(9)}*a]`)}`,
    ],
  ])('%s', (_what, text) => {
    const began = performance.now();
    expect(outcome(text)).toMatch(/^{"code":"ERR_CONFIG"/);
    // Alone each takes a third of a second at most; without the scan up to ten, or all of the stack.
    expect(performance.now() - began).toBeLessThan(3000);
    expect(outcome(text).length).toBeLessThan(20_000);
  });
});

describe('no value of the file appears in what is said about it', () => {
  const canary = 'hunter2Zq9';
  const sources = ['config.yaml', 'config-earlier-tool.yaml'].map((name) =>
    readFileSync(new URL(name, fixtures), 'utf8'),
  );

  /** The text with the canary in place of one value; names of targets are shown, and stay. */
  const planted = sources.flatMap((text) => {
    const texts: string[] = [];
    visit(parseDocument(text), {
      Scalar(key, node, path) {
        const parent = path.at(-1);
        const owner = 'key' in (parent ?? {}) ? (parent as { key: unknown }).key : undefined;
        const isName = isScalar(owner) && owner.value === 'name' && isMap(path.at(-2));
        if (key === 'key' || isName || !node.range) return;
        texts.push(`${text.slice(0, node.range[0])}${canary}${text.slice(node.range[1])}`);
      },
    });
    return texts;
  });

  test('with a wrong value anywhere', () => {
    expect(planted.length).toBeGreaterThan(100);
    for (const text of planted) expect(outcome(text)).not.toContain(canary);
  });

  test('with a wrong value and a slip of the finger anywhere', () => {
    const slips = [
      '',
      ' ',
      ':',
      ': ',
      '\n',
      '\t',
      ',',
      '{',
      '}',
      '[',
      ']',
      '"',
      "'",
      '#',
      '&',
      '*',
      '!',
      '|',
      '\\',
      '\0',
      '- ',
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...planted),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 0, max: 3 }),
        fc.constantFrom(...slips),
        (text, where, removed, slip) => {
          // Half of the slips fall near the value, where they do most.
          const near =
            text.indexOf(canary) - 8 + Math.round(where * 40 * (canary.length + 16)) / 40;
          const at =
            Math.floor(where * 1000) % 2 === 0 ? Math.floor(where * text.length) : Math.floor(near);
          const end = at + removed;
          const inside = at > text.indexOf(canary) && at < text.indexOf(canary) + canary.length;
          fc.pre(at >= 0 && !inside);
          expect(outcome(`${text.slice(0, at)}${slip}${text.slice(end)}`)).not.toContain(canary);
        },
      ),
      { numRuns: 1500 },
    );
  });

  test('of any text at all', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200, unit: 'binary' }), (text) => {
        expect(outcome(text)).toMatch(/^(\[|{"code":"ERR_CONFIG")/);
      }),
      { numRuns: 3000 },
    );
  });
});
