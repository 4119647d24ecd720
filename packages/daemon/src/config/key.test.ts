import { describe, expect, test } from 'vitest';
import { formatKey, parseKey } from './key.ts';

test.each<[string, (string | number)[]]>([
  ['settings', ['settings']],
  ['settings.ttl', ['settings', 'ttl']],
  ['servers."my.server".env.TOKEN', ['servers', 'my.server', 'env', 'TOKEN']],
  ["servers.'a b'.cwd", ['servers', 'a b', 'cwd']],
  ['servers."a\\"b\\\\".cwd', ['servers', 'a"b\\', 'cwd']],
  ['ssh_servers[0].port', ['ssh_servers', 0, 'port']],
  ['settings.path[1]', ['settings', 'path', 1]],
  ['servers.0.cwd', ['servers', '0', 'cwd']],
])('%s is a key, and so is what is written for it', (text, path) => {
  expect(parseKey(text)).toEqual(path);
  expect(parseKey(formatKey(path))).toEqual(path);
});

describe('no key', () => {
  test.each([
    '',
    '.',
    'a.',
    '.a',
    'a..b',
    'a b',
    'a="b"',
    'a.b=c',
    '"a',
    'a[x]',
    'a[-1]',
    '[0]',
    'a"b"',
  ])('%s is refused, and not repeated', (text) => {
    expect(() => parseKey(text)).toThrow('this is not a key of config.yaml');
  });
});
