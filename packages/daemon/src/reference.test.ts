import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatReference,
  hasReference,
  isVariableName,
  parseTemplate,
  substitute,
  type Forms,
  type Reference,
  type Template,
} from './reference.ts';

const variable = (name: string, fallback?: string): Reference =>
  fallback === undefined ? { kind: 'variable', name } : { kind: 'variable', name, fallback };

describe('the grammar', () => {
  test.each<[string, Template]>([
    ['', []],
    ['plain', ['plain']],
    ['$<TOKEN>', [variable('TOKEN')]],
    ['${TOKEN}', [variable('TOKEN')]],
    ['Bearer $<TOKEN>!', ['Bearer ', variable('TOKEN'), '!']],
    ['$<A>$<B>', [variable('A'), variable('B')]],
    ['$<A:-b c>', [variable('A', 'b c')]],
    ['$<A:->', [variable('A', '')]],
    ['${A:-}', [variable('A', '')]],
    ['$<A:-}$5\n>', [variable('A', '}$5\n')]],
    ['$<v:a/b.c-d_e#f@1>', [locator('v', 'a/b.c-d_e', 'f', '1')]],
    ['${v1-x:a@2}', [locator('v1-x', 'a', undefined, '2')]],
    ['$<v:...#...>', [locator('v', '...', '...')]],
    ['$<v:-x>', [variable('v', 'x')]],
    ['$$<A>', ['$<A>']],
    ['$${A}', ['${A}']],
    ['$$<not one', ['$<not one']],
    ['$$$<A>', ['$$<A>']],
    ['a $$<A> $<B>', ['a $<A> ', variable('B')]],
    ['$$5 $', ['$$5 $']],
    ['$<A:-$<B>>', ['$<A:-', variable('B'), '>']],
    [`$<${'A'.repeat(128)}>`, [variable('A'.repeat(128))]],
  ])('reads %j', (text, template) => {
    expect(parseTemplate(text, 'both')).toEqual(template);
  });

  test.each([
    '$<>',
    '$<1A>',
    '$<A B>',
    '$<A',
    '$<A}',
    '${A>',
    '$ <A>',
    '$<É>',
    `$<${'A'.repeat(129)}>`,
    '$<v:>',
    '$<V:a>',
    '$<1v:a>',
    '$<v:/a>',
    '$<v:a/>',
    '$<v:a//b>',
    '$<v:.>',
    '$<v:..>',
    '$<v:a/../b>',
    '$<v:./a>',
    '$<v-w:-x>',
    '$<v:a#>',
    '$<v:a@>',
    '$<v:a@..>',
    '$<v:a#.>',
    '$<v:a@1#f>',
    '$<v:a#f#g>',
    '$<v:a%2e>',
    '$<v:a\\b>',
    '$<v:a\n>',
    '$<A\n>',
    '$<A:b',
    '$<A@1>',
    '$<A#f>',
  ])('leaves %j as it stands', (text) => {
    expect(parseTemplate(text, 'both')).toEqual([text]);
  });

  test.each<[string, Template]>([
    ['${A}', [variable('A')]],
    ['${A:-x}', [variable('A', 'x')]],
    ['$${A}', ['${A}']],
    ['$<A>x', [variable('A'), 'x']],
    ['$$<A>', ['$<A>']],
    ['${A} ', ['${A} ']],
    ['x${A}', ['x${A}']],
    ['x$${A}', ['x$${A}']],
    ['${A}${B}', ['${A}${B}']],
    ['${env:A}', ['${env:A}']],
    ['$${env:A}', ['$${env:A}']],
    ['${A:-$<B>}', ['${A:-', variable('B'), '}']],
  ])('reads the inherited value %j', (text, template) => {
    expect(parseTemplate(text, 'inherited')).toEqual(template);
  });

  test.each<[string, Template]>([
    ['${A}', ['${A}']],
    ['$${A}', ['$${A}']],
    ['--token=$<A>', ['--token=', variable('A')]],
    ['$$<A>', ['$<A>']],
  ])('reads the argument %j', (text, template) => {
    expect(parseTemplate(text, 'angle')).toEqual(template);
  });

  test.each(['A', '_', 'a1', 'A'.repeat(128)])('takes the name %s', (name) => {
    expect(isVariableName(name)).toBe(true);
  });

  test.each(['', '1A', 'A=B', 'A\n', 'A\0', 'A B', 'Á', 'A'.repeat(129), '__proto__\u0000'])(
    'refuses the name %j',
    (name) => {
      expect(isVariableName(name)).toBe(false);
    },
  );
});

describe('A12: over a million inputs', () => {
  const forms = fc.constantFrom<Forms>('both', 'inherited', 'angle');
  const pieces = [
    '$',
    '$<',
    '${',
    '$$<',
    '$${',
    '>',
    '}',
    'A',
    'b',
    '_9',
    ':-',
    ':',
    '#',
    '@',
    '/',
    '.',
    '..',
    '-',
    ' ',
    '\n',
    '\0',
    'é',
    '\ud800',
    '$<A>',
    '${A}',
    '$<v:a>',
    '$<v:a/b#f@1>',
    '$<A:-',
    '${A:-',
  ];
  /** Bodies that fit, or that a single character keeps from it. */
  const nearly = fc
    .tuple(
      fc.constantFrom('', '', 'x', '$', '$$'),
      fc.constantFrom('$<', '${'),
      fc.constantFrom('A', 'v', 'v-1', '1', ''),
      fc.constantFrom(':', ':', ':', ':-', ''),
      joined(['a', 'B', '/', '.', '..', '-', '#', '@', '0', '_', '$', '<', '>', '\n'], 6),
      fc.constantFrom('>', '}', '>x', '}}', ''),
    )
    .map((several) => several.join(''));
  const text = fc.oneof(joined(pieces, 12), nearly);
  const word = fc
    .array(fc.constantFrom('a', 'z', 'A', 'Z', '0', '9', '.', '_', '-'), {
      minLength: 1,
      maxLength: 6,
      size: 'max',
    })
    .map((some) => some.join(''))
    .filter((some) => some !== '.' && some !== '..');
  const name = fc
    .tuple(fc.constantFrom('A', 'z', '_'), fc.stringMatching(/^[A-Za-z0-9_]{0,5}$/))
    .map(([head, tail]) => head + tail);

  const limit = { timeout: 60_000 };

  test('it agrees with a parser made of expressions (500,000)', limit, () => {
    const agrees = fc.property(text, forms, (some, form) => {
      const template = parseTemplate(some, form);
      const found = template.some((part) => typeof part !== 'string');
      return same(template, oracle(some, form)) && hasReference(some, form) === found;
    });
    expect(counterexample(agrees, 500_000)).toBeUndefined();
  });

  test('what is put in is never read again (250,000)', limit, () => {
    const once = fc.property(text, text, forms, (some, value, form) => {
      const template = parseTemplate(some, form);
      const expected = template.map((part) => (typeof part === 'string' ? part : value)).join('');
      return substitute(template, () => value) === expected;
    });
    expect(counterexample(once, 250_000)).toBeUndefined();
  });

  test('a reference reads back from its canonical text (100,000)', limit, () => {
    const reference = fc.oneof(
      name.map((some) => variable(some)),
      fc
        .tuple(
          fc.constantFrom('v', 'aws-2', 'a-'),
          fc.array(word, { minLength: 1, maxLength: 3 }).filter(([first]) => first?.[0] !== '-'),
          fc.option(word, { nil: undefined }),
          fc.option(word, { nil: undefined }),
        )
        .map(([backend, path, field, version]) => locator(backend, path.join('/'), field, version)),
    );
    const readsBack = fc.property(reference, forms, (some, form) =>
      same(parseTemplate(formatReference(some), form), [some]),
    );
    expect(counterexample(readsBack, 100_000)).toBeUndefined();
  });

  test('an escaped text comes out as it was (100,000)', limit, () => {
    const comesOut = fc.property(text, (some) => {
      // The grammar has no way to write a dollar directly before an opener.
      const plain = some.replaceAll(/\$+(?=\$[<{])/g, '');
      const escaped = plain.replaceAll(/\$(?=[<{])/g, '$$$$');
      return substitute(parseTemplate(escaped, 'both'), () => 'no') === plain;
    });
    expect(counterexample(comesOut, 100_000)).toBeUndefined();
  });

  test('no text makes it throw (50,000)', limit, () => {
    const survives = fc.property(fc.string({ unit: 'binary' }), forms, (some, form) => {
      hasReference(some, form);
      substitute(parseTemplate(some, form), formatReference);
    });
    expect(counterexample(survives, 50_000)).toBeUndefined();
  });
});

describe('hostile text', () => {
  const units = [
    '$<',
    '${',
    '$',
    '$$<',
    '$<A:-',
    '${A:-',
    '$<a:',
    '$<a:a/',
    '$<a:a#a@',
    '$<A:-x$',
    '$<A',
    'A:-',
  ];

  test.each(units)('1 MB of %j takes time in proportion to its length', (unit) => {
    const started = performance.now();
    for (const form of ['both', 'inherited', 'angle'] as const) {
      parseTemplate(unit.repeat(1e6 / unit.length), form);
    }
    // Quadratic time would be minutes.
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test('a default of 30 MB is read like any other', () => {
    const fallback = 'x'.repeat(30e6);
    const [reference] = parseTemplate(`$<A:-${fallback}>`, 'both');
    expect(
      typeof reference === 'object' &&
        reference.kind === 'variable' &&
        reference.fallback === fallback,
    ).toBe(true);
  });

  test.each(['a/', '../', '/', '.', 'a'])('a path of 1 MB of %j does no harm', (unit) => {
    expect(() => parseTemplate(`$<v:${unit.repeat(1e6 / unit.length)}>`, 'both')).not.toThrow();
  });
});

function locator(backend: string, path: string, field?: string, version?: string): Reference {
  return {
    kind: 'locator',
    backend,
    path,
    ...(field === undefined ? {} : { field }),
    ...(version === undefined ? {} : { version }),
  };
}

const character = '[A-Za-z0-9._-]';
const part = `(?!\\.{1,2}(?!${character}))${character}+`;
const bracesRule: RegExp = rule('\\$\\{', '}');
const angleRule: RegExp = rule('\\$<', '>');

function rule(open: string, close: string): RegExp {
  return new RegExp(
    `${open}(?:([A-Za-z_][A-Za-z0-9_]{0,127})(?::-((?:(?!\\$[<{])[^${close}])*))?` +
      `|([a-z][a-z0-9-]*):(?!-)(${part}(?:/${part})*)(?:#(${part}))?(?:@(${part}))?)${close}`,
    'y',
  );
}

/** Written for clarity alone: tries every rule at every character. */
function oracle(text: string, forms: Forms): Template {
  if (forms === 'inherited') {
    const escaped = text.startsWith('$${') ? 1 : 0;
    const whole = matchAt(bracesRule, text, escaped);
    if (whole?.[1] !== undefined && escaped + whole[0].length === text.length) {
      return [escaped === 1 ? text.slice(1) : read(whole)];
    }
  }
  const result: (string | Reference)[] = [];
  const add = (literal: string): void => {
    const last = result.at(-1);
    if (typeof last === 'string') result[result.length - 1] = last + literal;
    else result.push(literal);
  };
  for (let at = 0; at < text.length;) {
    const escape = text.slice(at, at + 3);
    const found =
      matchAt(angleRule, text, at) ?? (forms === 'both' ? matchAt(bracesRule, text, at) : null);
    if (escape === '$$<' || (escape === '$${' && forms === 'both')) {
      add(escape.slice(1));
      at += 3;
    } else if (found === null) {
      add(text.charAt(at));
      at += 1;
    } else {
      result.push(read(found));
      at += found[0].length;
    }
  }
  return result;
}

function joined(some: readonly string[], maxLength: number): fc.Arbitrary<string> {
  return fc
    .array(fc.constantFrom(...some), { maxLength, size: 'max' })
    .map((several) => several.join(''));
}

/** What a property fails on, for `expect` to show. */
function counterexample<T>(property: fc.IProperty<T>, numRuns: number): unknown {
  const result = fc.check(property, { numRuns });
  return result.failed ? [result.counterexample, result.errorInstance] : undefined;
}

function matchAt(expression: RegExp, text: string, at: number): RegExpExecArray | null {
  expression.lastIndex = at;
  return expression.exec(text);
}

function read([, name, fallback, backend, path, field, version]: RegExpExecArray): Reference {
  return name === undefined
    ? locator(backend ?? '', path ?? '', field, version)
    : variable(name, fallback);
}

function same(one: Template, other: Template): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
