import { expect, test } from 'vitest';
import type { EnvironmentEntry, LaunchDescription } from '../protocol/approvals.ts';
import { keptLaunch } from './kept-launch.ts';

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
