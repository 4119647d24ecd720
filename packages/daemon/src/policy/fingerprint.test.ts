import { expect, test } from 'vitest';
import { fingerprint, type LaunchDescription } from './fingerprint.ts';

const launch: LaunchDescription = {
  executable: '/usr/bin/server',
  digest: 'aa',
  args: ['--port', '1'],
  allowArgs: false,
  environment: [
    { name: 'A', value: '$<A>', origin: 'entry' },
    { name: 'B', value: 'literal', origin: 'entry' },
  ],
  variables: [
    { reference: '$<A>', backend: 'sealed', kind: 'sealed-file', locator: 'A' },
    { reference: '$<C>', backend: 'sealed', kind: 'sealed-file', locator: 'C' },
  ],
};
const [environmentA, environmentB] = launch.environment;
const [variableA, variableC] = launch.variables;
if (!environmentA || !environmentB || !variableA || !variableC) throw new Error('incomplete');

test('every part of a launch changes its fingerprint', () => {
  const changes: Partial<LaunchDescription>[] = [
    { executable: '/usr/bin/other' },
    { digest: 'ab' },
    { args: ['--port', '2'] },
    { args: ['1', '--port'] },
    { args: ['--port1'] },
    { allowArgs: true },
    { environment: [environmentA] },
    { environment: [{ ...environmentA, name: 'AA' }, environmentB] },
    { environment: [{ ...environmentA, value: '$<B>' }, environmentB] },
    { environment: [{ ...environmentA, origin: 'inherited' }, environmentB] },
    { environment: [environmentA, { ...environmentB, value: 'other' }] },
    { variables: [variableA] },
    { variables: [{ ...variableA, backend: 'vault' }, variableC] },
    { variables: [{ ...variableA, kind: 'vault' }, variableC] },
    { variables: [{ ...variableA, locator: 'elsewhere' }, variableC] },
  ];
  const prints = [launch, ...changes.map((change) => ({ ...launch, ...change }))].map((each) =>
    fingerprint(each),
  );
  expect(new Set(prints).size).toBe(changes.length + 1);
});

test('the order of environment entries and variables does not count', () => {
  const other = {
    ...launch,
    environment: [...launch.environment].toReversed(),
    variables: [...launch.variables].toReversed(),
  };
  expect(fingerprint(other)).toBe(fingerprint(launch));
});
