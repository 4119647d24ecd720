import { BrokerError } from '@mcp-broker/providers/errors';
import { describe, expect, test } from 'vitest';
import { decide, type Decision, type VariableFacts } from './decide.ts';

const known: VariableFacts = {
  subject: 'TOKEN',
  state: 'known',
  hasFallback: false,
  steering: [],
  backend: 'sealed',
};
const locked = new BrokerError('ERR_LOCKED', 'TOKEN: the sealed file is locked');

function codes(decision: Decision): string[] | string {
  return decision.kind === 'deny'
    ? decision.problems.map((problem) => problem.code)
    : decision.kind;
}

describe('a decision', () => {
  const cases: [
    title: string,
    facts: Partial<VariableFacts>,
    granted: boolean,
    expected: string | string[],
  ][] = [
    ['allows a known variable with a grant', {}, true, 'allow'],
    ['asks for a known variable without one', {}, false, 'ask'],
    ['asks before a remote store is asked', { state: 'unasked' }, false, 'ask'],
    ['allows what a remote store has yet to answer', { state: 'unasked' }, true, 'allow'],
    [
      'refuses an unknown variable, grant or not',
      { state: 'unknown' },
      true,
      ['ERR_UNKNOWN_VARIABLE'],
    ],
    [
      'lets a default stand in for an unknown variable',
      { state: 'unknown', hasFallback: true },
      true,
      'allow',
    ],
    [
      'lets no default stand in for a locked one',
      { failure: locked, hasFallback: true },
      true,
      ['ERR_LOCKED'],
    ],
    ['refuses a name that steers a process', { steering: ['LD_PRELOAD'] }, true, ['ERR_DENIED']],
    [
      'names both problems of one variable',
      { steering: ['PATH'], state: 'unknown' },
      false,
      ['ERR_DENIED', 'ERR_UNKNOWN_VARIABLE'],
    ],
  ];
  test.each(cases)('%s', (_title, facts, granted, expected) => {
    expect(codes(decide({ variables: [{ ...known, ...facts }], granted }))).toEqual(expected);
  });

  test('names every variable that failed, and asks for none of the others', () => {
    const decision = decide({
      variables: [
        known,
        { ...known, subject: 'A', state: 'unknown' },
        { ...known, subject: 'B', state: 'unknown' },
      ],
      granted: false,
    });
    expect(decision.kind === 'deny' && decision.problems.map((problem) => problem.subject)).toEqual(
      ['A', 'B'],
    );
  });
});
