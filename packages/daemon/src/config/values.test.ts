import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseDuration } from './duration.ts';
import { parseSize } from './size.ts';
import { suggest } from './suggest.ts';
import * as values from './values.ts';

const kinds = { ...values };

test.each([
  ['0s', 0],
  ['500ms', 500],
  ['30s', 30_000],
  ['15m', 900_000],
  ['8h', 28_800_000],
  ['30d', 2_592_000_000],
])('%s is %i milliseconds', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each([
  '',
  '15',
  'm',
  '1h30m',
  '1.5h',
  '-1s',
  ' 1s',
  '1s ',
  '1S',
  '1w',
  '12345678901s',
  '1s\n',
])('%j is no duration', (text) => {
  expect(parseDuration(text)).toBeUndefined();
});

test.each([
  ['0B', 0],
  ['512B', 512],
  ['256KiB', 262_144],
  ['64MiB', 67_108_864],
  ['1GiB', 1_073_741_824],
])('%s is %i bytes', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test.each(['', '1', 'KiB', '1KB', '1kib', '1.5MiB', '-1B', '1 KiB', '1KiB\n'])(
  '%j is no size',
  (text) => {
    expect(parseSize(text)).toBeUndefined();
  },
);

const keys = ['ttl', 'max_stale', 'default_backend', 'lock_after', 'path'];
test.each([
  ['tll', 'ttl'],
  ['tt', 'ttl'],
  ['TTL', 'ttl'],
  ['defaultBackend', 'default_backend'],
  ['default-backend', 'default_backend'],
  ['max_stael', 'max_stale'],
  ['lock_afer', 'lock_after'],
  ['colour', undefined],
  ['x', undefined],
  ['', undefined],
  ['t'.repeat(100_000), undefined],
])('%.20s was meant as %s', (word, meant) => {
  expect(suggest(word, keys)).toBe(meant);
});

describe('single values', () => {
  test.each([
    ['file', '~/x', join(homedir(), 'x')],
    ['file', '/x', '/x'],
    ['anyFile', 'x/y', 'x/y'],
    ['anyFile', '~/x', join(homedir(), 'x')],
    ['locatorPath', 'secret/databases/orders', 'secret/databases/orders'],
    ['locatorPath', 'a.b/..c/...', 'a.b/..c/...'],
    ['serviceUrl', 'https://vault.example.net:8200', 'https://vault.example.net:8200'],
    ['serviceUrl', 'http://127.0.0.1:8200', 'http://127.0.0.1:8200'],
    ['serviceUrl', 'http://[::1]:8200', 'http://[::1]:8200'],
    ['proxyUrl', 'http://proxy.example.net:3128', 'http://proxy.example.net:3128'],
    ['hostOrUser', 'tcp://docker.example.net:2376', 'tcp://docker.example.net:2376'],
  ] as const)('%s takes %s', (kind, text, expected) => {
    expect(kinds[kind].parse(text)).toBe(expected);
  });

  test.each([
    ['file', ''],
    ['file', 'x'],
    ['file', './x'],
    ['file', '~user/x'],
    ['file', '/x\n'],
    ['file', '/x\0'],
    ['anyFile', ''],
    ['line', 'a\nb'],
    ['backendName', 'Vault'],
    ['backendName', '1a'],
    ['variableName', 'A=B'],
    ['variableName', '1A'],
    ['variableName', 'A-B'],
    ['variableName', 'Ä'],
    ['variableName', 'A'.repeat(129)],
    ['entryName', '-x'],
    ['entryName', '.x'],
    ['entryName', 'a/b'],
    ['entryName', 'a,b'],
    ['hostOrUser', '-oProxyCommand=x'],
    ['hostOrUser', 'a b'],
    ['locatorPath', ''],
    ['locatorPath', '/a'],
    ['locatorPath', 'a/'],
    ['locatorPath', 'a//b'],
    ['locatorPath', '..'],
    ['locatorPath', 'a/../b'],
    ['locatorPath', './a'],
    ['locatorPath', 'a/%2e%2e'],
    ['locatorPath', 'a?b'],
    ['serviceUrl', 'http://vault.example.net'],
    ['serviceUrl', 'http://127.0.0.1.example.net'],
    ['serviceUrl', 'ftp://x'],
    ['serviceUrl', 'vault'],
    ['serviceUrl', 'https://me:pw@vault.example.net'],
    ['serviceUrl', 'https://token@vault.example.net'],
    ['serviceUrl', 'https://vault.example.net/?token=x'],
    ['proxyUrl', 'http://me:pw@proxy'],
    ['proxyUrl', 'socks://proxy'],
  ] as const)('%s refuses %j', (kind, text) => {
    expect(kinds[kind].safeParse(text).success).toBe(false);
  });
});
