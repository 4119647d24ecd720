import { expect, test } from 'vitest';
import type { EnvironmentEntry, LaunchDescription } from '../protocol/approvals.ts';
import { keptLaunch, listedLaunch } from './kept-launch.ts';

const launch: LaunchDescription = {
  argv: ['node', 'server.js'],
  allowArgs: false,
  files: [],
  environment: [],
  inherited: [],
  origin: 'command line',
  variables: [],
};

function kept(value: string, origin: EnvironmentEntry['origin'] = 'entry'): string | undefined {
  return keptLaunch({ ...launch, environment: [{ name: 'A', value, origin }] }).environment[0]
    ?.value;
}

const digest = /^sha256:[0-9a-f]{64}$/u;

test.each<[value: string, expected: RegExp]>([
  ['$<TOKEN>', /^\$<TOKEN>$/u],
  ['${TOKEN}', /^\$<TOKEN>$/u],
  ['hunter2', digest],
  ['Bearer hunter2 $<TOKEN>', /^sha256:[0-9a-f]{64} \$<TOKEN>$/u],
  ['$<TOKEN:-hunter2>', /^\$<TOKEN> or sha256:[0-9a-f]{64}$/u],
  ['$$<hunter2>', digest],
])('of %s nothing is kept but its references', (value, expected) => {
  expect(kept(value)).toMatch(expected);
  expect(kept(value)).not.toContain('hunter2');
});

test('two texts are kept alike only when they are alike', () => {
  const texts = ['hunter2', 'hunter3', '$<A>', '$<A:-x>', '$<A:-y>', '$<A> ', ' $<A>'];
  expect(new Set(texts.map((text) => kept(text))).size).toBe(texts.length);
});

test('what is inherited is kept by its digest alone', () => {
  const inherited = [{ name: 'NODE_OPTIONS', digest: 'aa', value: '--title=hunter2' }];
  expect(keptLaunch({ ...launch, inherited }).inherited).toEqual([
    { name: 'NODE_OPTIONS', digest: 'aa' },
  ]);
});

test('a list shows in so many words what is loaded and where from, and nothing else', () => {
  const texts: [name: string, value: string, shown: RegExp][] = [
    ['TOKEN', 'hunter2', digest],
    ['DATABASE_URL', 'postgres://me:hunter2@h', digest],
    ['AUTH', 'Bearer $<TOKEN:-hunter2>', /^sha256:\w+ \$<TOKEN> or sha256:\w+$/u],
    ['NODE_OPTIONS', '--require=/x.js', /^--require=\/x\.js$/u],
    ['LD_PRELOAD', '/x.so', /^\/x\.so$/u],
    ['PATH', '/x', /^\/x$/u],
  ];
  const environment = texts.map(([name, value]) => ({ name, value, origin: 'entry' as const }));
  const listed = listedLaunch({ ...launch, environment });
  for (const [index, [, , shown]] of texts.entries()) {
    expect(listed.environment[index]?.value).toMatch(shown);
  }
  expect(JSON.stringify(listed)).not.toContain('hunter2');
});
