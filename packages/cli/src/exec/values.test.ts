import type { LaunchValues } from '@mcp-broker/daemon/protocol';
import { describe, expect, test } from 'vitest';
import type { ExecInput } from './arguments.ts';
import type { Environment } from './aside.ts';
import { draftLaunch } from './references.ts';
import { fillIn, readValues, type Filled } from './values.ts';

interface Typed {
  readonly args?: readonly string[];
  readonly entries?: Readonly<Record<string, string>>;
  readonly inherited?: Environment;
  readonly allowArgs?: boolean;
}

function input({ args = [], entries = {}, allowArgs = false }: Typed): ExecInput {
  return {
    command: 'server',
    args,
    entries: new Map(Object.entries(entries)),
    entry: undefined,
    server: undefined,
    allowArgs,
    replace: false,
    waitMs: undefined,
    home: undefined,
    config: undefined,
  };
}

function filled(typed: Typed, values: Record<string, string | Buffer | null> = {}): Filled {
  const draft = draftLaunch(input(typed), { ...typed.inherited });
  const attachments = Object.values(values)
    .filter((value) => value !== null)
    .map((value) => Buffer.from(value));
  let next = 0;
  const answer: LaunchValues = {
    values: Object.fromEntries(
      Object.entries(values).map(([text, value]) => [text, value === null ? null : next++]),
    ),
  };
  return fillIn(draft, readValues(answer, attachments));
}

describe('references are replaced', () => {
  test('in the inherited environment, where ${…} counts only as the whole', () => {
    const { environment } = filled(
      { inherited: { A: 'Bearer $<T>', B: '${T}', C: 'x${T}', D: 'plain', E: '$$<T>' } },
      { '$<T>': 'v' },
    );
    expect(environment).toEqual({ A: 'Bearer v', B: 'v', C: 'x${T}', D: 'plain', E: '$<T>' });
  });

  test('in entries, where both forms count anywhere, and which replace what is inherited', () => {
    const { environment } = filled(
      { inherited: { A: '$<OTHER>', B: 'b' }, entries: { A: '${T}-$<T>', L: 'literal' } },
      { '$<T>': 'v' },
    );
    expect(environment).toEqual({ A: 'v-v', B: 'b', L: 'literal' });
  });

  test('in arguments only when that is allowed, and there only $<…>', () => {
    const { args } = filled(
      { args: ['-k=$<T>', '${T}', '$$<T>'], allowArgs: true },
      { '$<T>': 'v' },
    );
    expect(args).toEqual(['-k=v', '${T}', '$<T>']);
  });

  test('under any name', () => {
    const entries = JSON.parse('{"__proto__":"$<T>"}') as Record<string, string>;
    const { environment } = filled({ entries }, { '$<T>': 'v' });
    expect(Object.entries(environment)).toEqual([['__proto__', 'v']]);
  });

  test('A12: once: a value that looks like a reference stays as it is', () => {
    const { environment } = filled(
      { inherited: { A: '$<T>$<U>' } },
      { '$<T>': '$<U>', '$<U>': '$$<' },
    );
    expect(environment).toEqual({ A: '$<U>$$<' });
  });

  test('by their default where the daemon says so, even an empty one', () => {
    const { environment } = filled(
      { entries: { A: '${T:-d}', B: '${U:-}' } },
      { '$<T>': null, '$<U>': null },
    );
    expect(environment).toEqual({ A: 'd', B: '' });
  });

  test('and the bytes of the answer are wiped, also when it does not fit', () => {
    for (const text of ['secret', Buffer.from([0xff])]) {
      const bytes = Buffer.from(text);
      const valueOf = readValues({ values: { '$<T>': 0 } }, [bytes]);
      expect([...bytes].every((byte) => byte === 0)).toBe(true);
      expect(typeof valueOf).toBe('function');
    }
  });
});

describe('a launch is refused', () => {
  test.each([
    ['an argument', { args: ['a', '--key=$<T>'] }, 'argument 2 holds the reference $<T>'],
    ['a locator', { args: ['$<vault:a/b#c>'] }, 'argument 1 holds the reference $<vault:a/b#c>'],
  ])('when %s holds a reference, with the way through the environment', (_what, typed, message) => {
    expect(() => filled(typed)).toThrow(
      expect.objectContaining({
        code: 'ERR_REFERENCE_IN_ARGUMENT',
        message: expect.stringContaining(message) as string,
        hint: expect.stringContaining('--env ') as string,
      }),
    );
  });

  test('when the command itself is one, whatever is allowed', () => {
    expect(() => draftLaunch({ ...input({ allowArgs: true }), command: '$<T>' }, {})).toThrow(
      expect.objectContaining({ code: 'ERR_REFERENCE_IN_ARGUMENT' }),
    );
  });

  test('when an inherited name that is none takes a reference', () => {
    expect(() => filled({ inherited: { 'BASH_FUNC_x%%': '$<T>' } })).toThrow(
      expect.objectContaining({ code: 'ERR_USAGE' }),
    );
  });

  test.each([
    ['holds a NUL', 'a\0b'],
    ['is longer than the 131071 bytes', 'x'.repeat(131_072 - 'TOKEN='.length)],
  ])('when a value %s, without showing it', (why, value) => {
    expect(() => filled({ entries: { TOKEN: '$<T>' } }, { '$<T>': value })).toThrow(
      expect.objectContaining({
        code: 'ERR_VALUE',
        message: expect.stringMatching(new RegExp(`^the value for TOKEN ${why}`, 'u')) as string,
      }),
    );
  });

  test('when a value is no UTF-8', () => {
    expect(() => filled({ entries: { A: '$<T>' } }, { '$<T>': Buffer.from([0xc3, 0x28]) })).toThrow(
      expect.objectContaining({
        code: 'ERR_VALUE',
        message: expect.stringContaining('$<T>') as string,
      }),
    );
  });

  test('naming every place whose value does not fit', () => {
    expect(() => filled({ entries: { A: '$<T>', B: '$<T>' } }, { '$<T>': '\0' })).toThrow(
      expect.objectContaining({ problems: [expect.anything(), expect.anything()] }),
    );
  });

  test('when the daemon leaves one out, or gives a default that nobody wrote', () => {
    const refused = expect.objectContaining({ code: 'ERR_PROTOCOL' });
    expect(() => filled({ entries: { A: '$<T>' } })).toThrow(refused);
    expect(() => filled({ entries: { A: '$<T>' } }, { '$<T>': null })).toThrow(refused);
  });

  test('but a value of as many bytes as the kernel takes is not', () => {
    const value = 'x'.repeat(131_071 - 'TOKEN='.length);
    expect(filled({ entries: { TOKEN: '$<T>' } }, { '$<T>': value }).environment).toEqual({
      TOKEN: value,
    });
  });
});
