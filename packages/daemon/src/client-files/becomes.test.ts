import { expect, test } from 'vitest';
import { becomes } from './becomes.ts';
import { clientPlaces } from './places.ts';

test.each([
  ['Gemini', '${TOKEN}', 'nothing'],
  ['Gemini', 'Bearer $TOKEN', 'nothing'],
  ['Gemini', '\\$TOKEN', undefined],
  ['VS Code', '${env:TOKEN}', 'nothing'],
  ['VS Code', '${TOKEN}', undefined],
  ['Claude Code', '${TOKEN}', 'another value'],
  ['Claude Code', '${TOKEN:-none}', 'another value'],
  ['Claude Code', '$TOKEN', undefined],
  ['Copilot CLI', '$TOKEN', 'another value'],
  ['Kiro', '${TOKEN}', 'another value'],
  ['Cursor', '${TOKEN}', undefined],
  ['Claude Desktop', '${TOKEN}', undefined],
])('%s: %s becomes %s', (client, text, expected) => {
  expect(becomes(client, text)).toBe(expected);
});

test('no client that we know replaces $<NAME>', () => {
  const places = clientPlaces({ home: '/h', platform: 'linux', environment: {} });
  for (const { client } of places) {
    expect(becomes(client, '$<TOKEN>'), client).toBeUndefined();
    expect(becomes(client, 'Bearer $<TOKEN:-none>'), client).toBeUndefined();
  }
});
