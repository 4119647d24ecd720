import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { setInText } from './edit.ts';
import type { Path } from './problem.ts';
import { initialConfigText } from './write.ts';
import { readYaml } from './yaml.ts';

const file = `# top
version: "1.0"

settings:
  ttl: 5m          # how long
  # presence: passphrase
  path: [/usr/bin, /bin]

# servers of mine
servers:
  github:
    command: [npx, server]   # what is run
    env:
      TOKEN: $<TOKEN>
      # the last word
  'my.server': {command: [x], env: {A: b}}

backends:
`;

/** What a change takes out of the text, and what it puts there. */
function diff(text: string, next: string): { out: string; in: string } {
  let start = 0;
  while (start < text.length && text[start] === next[start]) start++;
  let end = 0;
  while (
    end < Math.min(text.length, next.length) - start &&
    text.at(-1 - end) === next.at(-1 - end)
  ) {
    end++;
  }
  return { out: text.slice(start, text.length - end), in: next.slice(start, next.length - end) };
}

describe('a change touches its own place alone', () => {
  test.each<[what: string, path: Path, value: unknown, out: string, put: string]>([
    ['a scalar before a comment', ['settings', 'ttl'], '15m', '', '1'],
    ['a list of words', ['settings', 'path'], ['/bin'], '/usr/bin, ', ''],
    ['a value of a nested entry', ['servers', 'github', 'env', 'TOKEN'], '$<T>', 'OKEN', ''],
    [
      'a new key behind the last',
      ['settings', 'presence'],
      'terminal',
      '',
      '  presence: terminal\n',
    ],
    ['a new key in braces', ['servers', 'my.server', 'env', 'C'], 'a, b', '', ', C: "a, b"'],
    [
      'a new section, with an empty line before it',
      ['aliases', 'disk'],
      'df -h',
      '',
      '\naliases:\n  disk: df -h\n',
    ],
    [
      'a new entry of several lines',
      ['servers', 'new'],
      { command: ['a', 'b'], env: { K: '$<K>' } },
      '',
      '  new:\n    command:\n      - a\n      - b\n    env:\n      K: $<K>\n',
    ],
    [
      'a key taken away, with its comment',
      ['settings', 'ttl'],
      undefined,
      '  ttl: 5m          # how long\n',
      '',
    ],
    [
      'an entry taken away',
      ['servers', 'my.server'],
      undefined,
      "  'my.server': {command: [x], env: {A: b}}\n",
      '',
    ],
  ])('%s', (_what, path, value, out, put) => {
    const next = setInText(file, path, value);
    const change = diff(file, next);
    expect(change.out.length).toBe(out.length);
    expect(change.in.length).toBe(put.length);
    expect(next).toContain(put);
    const comments = (file.match(/#.*/g) ?? []).filter((comment) => !out.includes(comment));
    for (const comment of comments) expect(next).toContain(comment);
  });
});

test('what has nothing behind it gets its first key, and all comments stay', () => {
  const next = setInText(file, ['backends', 'vault', 'kind'], 'vault');
  expect(next).toMatch(/^backends:\n {2}vault:\n {4}kind: vault$/mu);
  for (const comment of file.match(/#.*/g) ?? []) expect(next).toContain(comment);
});

test('the last key of an entry leaves it empty', () => {
  const text = 'variables:\n  A:\n    ttl: 1m\n  B: {ttl: 2m}\n';
  expect(setInText(text, ['variables', 'A', 'ttl'], undefined)).toContain('A: {}');
  expect(setInText(text, ['variables', 'B', 'ttl'], undefined)).toContain('B: {}');
});

test.each<[what: string, text: string, path: Path, value: unknown, next: string]>([
  [
    'a first key stands before what is commented out below its section',
    'a: 1\nbackends:\n  # old: {kind: command}\nsettings:\n  ttl: 5m\n',
    ['backends', 'b', 'kind'],
    'vault',
    'a: 1\nbackends:\n  b:\n    kind: vault\n  # old: {kind: command}\nsettings:\n  ttl: 5m\n',
  ],
  [
    'the only entry of a section goes, and what is written around it stays',
    'a:  1\n\nbackends: # mine\n  # old: {kind: command}\n  b:\n    kind: vault\n# end\nc:  2\n',
    ['backends', 'b'],
    undefined,
    'a:  1\n\nbackends: {} # mine\n  # old: {kind: command}\n# end\nc:  2\n',
  ],
  [
    'the only entry in braces goes, and the comment behind them stays',
    'a: 1\nbackends: {b: {kind: vault}} # mine\n# end\n',
    ['backends', 'b'],
    undefined,
    'a: 1\nbackends: {} # mine\n\n# end\n',
  ],
  [
    'a text that is laid out anew keeps its CR LF',
    'a: 1\r\nbackends: {b: {kind: vault}}\r\n# end\r\n',
    ['backends', 'b'],
    undefined,
    'a: 1\r\nbackends: {}\r\n\r\n# end\r\n',
  ],
])('%s', (_what, text, path, value, next) => {
  expect(setInText(text, path, value)).toBe(next);
});

test.each<[Path]>([
  [['variables', '__proto__', 'backend']],
  [['servers', '__proto__', 'env', 'A']],
  [['variables', '__proto__']],
])('%j is refused, and leaves all other objects as they are', (path) => {
  const before = Reflect.ownKeys(Object.prototype);
  try {
    expect(() => setInText(file, path, 'keychain')).toThrow('__proto__ is not a name');
    expect(Reflect.ownKeys(Object.prototype)).toEqual(before);
  } finally {
    for (const key of Reflect.ownKeys(Object.prototype)) {
      if (!before.includes(key)) Reflect.deleteProperty(Object.prototype, key);
    }
  }
});

test('the same value changes no byte, and neither does taking away what is not there', () => {
  expect(setInText(file, ['settings', 'ttl'], '5m')).toBe(file);
  expect(setInText(file, ['settings', 'path'], ['/usr/bin', '/bin'])).toBe(file);
  expect(setInText(file, ['settings', 'presence'], undefined)).toBe(file);
  expect(setInText(file, ['variables', 'A', 'ttl'], undefined)).toBe(file);
});

test('lines that end in CR LF still do', () => {
  const text = file.replaceAll('\n', '\r\n');
  const next = setInText(text, ['settings', 'notify'], true);
  expect(next).toContain('  notify: true\r\n');
  expect(next.match(/(?<!\r)\n/gu)).toBeNull();
});

test('an empty file, and one of comments alone, get their first key', () => {
  expect(setInText('', ['settings', 'ttl'], '1m')).toBe('settings:\n  ttl: 1m\n');
  const next = setInText('# mine\n', ['settings', 'ttl'], '1m');
  expect(next).toBe('# mine\nsettings:\n  ttl: 1m\n');
});

test.each([
  ['text that reads as a number', '1.0'],
  ['text that reads as true', 'true'],
  ['text with a colon', 'a: b'],
  ['text with a hash', 'a #b'],
  ['several lines', 'a\nb\n'],
  ['quotes and backslashes', `it's "a" \\ path`],
  ['nothing', ''],
  ['an anchor and a tag', '&a !b *c'],
  ['a dash', '- x'],
  ['braces', '{a}'],
])('%s is read back as it was given, in blocks and in braces', (_what, value) => {
  for (const path of [
    ['servers', 'github', 'env', 'TOKEN'],
    ['servers', 'github', 'env', 'NEW'],
    ['servers', 'my.server', 'env', 'A'],
    ['servers', 'my.server', 'env', 'NEW'],
  ]) {
    // It reads what it wrote, and throws when that is something else.
    expect(setInText(file, path, value)).not.toBe(file);
  }
});

test('the file that init writes keeps its comments whatever is set', () => {
  const text = initialConfigText({ defaultBackend: 'sealed' });
  const changes: [Path, unknown][] = [
    [['settings', 'ttl'], '1m'],
    [['settings', 'notify'], true],
    [['variables', 'A', 'ttl'], '1m'],
    [['backends', 'pass'], { kind: 'command', get: ['pass', 'show'] }],
    [['ssh_servers'], [{ name: 'a', host: 'h', user: 'u' }]],
  ];
  const next = changes.reduce((before, [path, value]) => setInText(before, path, value), text);
  for (const comment of text.match(/#.*/g) ?? []) expect(next).toContain(comment);
  expect(next).toContain(
    '  ttl: 1m                    # how long a value that was read stays fresh',
  );
});

test('whatever is set in whatever order, the last value of each key is there, and so is every comment', () => {
  const key = fc.constantFrom<Path>(
    ['settings', 'ttl'],
    ['settings', 'session_bus'],
    ['servers', 'github', 'env', 'TOKEN'],
    ['servers', 'github', 'env', 'NEW'],
    ['servers', 'my.server', 'env', 'A'],
    ['servers', 'a "b" #c', 'env', 'X'],
    ['aliases', 'disk'],
    ['backends', 'vault', 'url'],
  );
  const scalar = fc.oneof(
    // Without what the file cannot hold: the reader refuses control characters.
    fc.string({ unit: 'grapheme' }).filter((text) => !/\p{Cc}|\p{Cs}/u.test(text)),
    fc.integer({ min: -1e9, max: 1e9 }),
    fc.boolean(),
  );
  const words = fc.array(fc.stringMatching(/^[ -~]{0,12}$/));
  const comments = file.match(/#.*/g) ?? [];
  fc.assert(
    fc.property(fc.array(fc.tuple(key, fc.oneof(scalar, words)), { maxLength: 6 }), (changes) => {
      const next = changes.reduce((text, [path, value]) => setInText(text, path, value), file);
      const yaml = readYaml(next);
      const data = 'data' in yaml ? yaml.data : undefined;
      const last = new Map(changes.map(([path, value]) => [JSON.stringify(path), value]));
      for (const [path, value] of last) {
        const found = (JSON.parse(path) as string[]).reduce(
          (at: unknown, part) => Object(at)[part] as unknown,
          data,
        );
        expect(found).toEqual(value);
      }
      for (const comment of comments) expect(next).toContain(comment);
    }),
    { numRuns: 300 },
  );
});
