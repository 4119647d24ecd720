import { expect, test } from 'vitest';
import { readEnvFile } from './env-file.ts';

test.each<[what: string, text: string, variables: Record<string, string>]>([
  ['nothing', '', {}],
  ['a line each, however they end', 'A=1\r\nB=2\rC=3\n', { A: '1', B: '2', C: '3' }],
  ['comments and empty lines', '# A=1\n\n  \n B = 2 # two\n', { B: '2' }],
  ['export, and a colon', 'export A=1\nB: 2\nC=x:y\n', { A: '1', B: '2', C: 'x:y' }],
  [
    'quotes',
    `A="a # b"\nB='a\\nb'\nC=\`c\`\nD="a\\nb\\r"`,
    { A: 'a # b', B: 'a\\nb', C: 'c', D: 'a\nb\r' },
  ],
  ['quotes that do not close', `A="a\nB='`, { A: '"a', B: "'" }],
  ['what has no separator or no name', 'A\n=1\nB=', { B: '' }],
  ['a name twice: the last counts', 'A=1\nA=2', { A: '2' }],
  ['references', 'A=$<TOKEN>\nB="${TOKEN:-x}"', { A: '$<TOKEN>', B: '${TOKEN:-x}' }],
])('an envFile with %s', (_what, text, variables) => {
  expect(Object.fromEntries(readEnvFile(text))).toEqual(variables);
});
