import { BrokerError } from '@mcp-broker/providers/errors';
import { describe, expect, test } from 'vitest';
import { decide, type Decision, type VariableFacts } from './decide.ts';

const known: VariableFacts = {
  subject: 'TOKEN',
  state: 'known',
  hasFallback: false,
  backend: 'sealed',
  granted: true,
};
const locked = new BrokerError('ERR_LOCKED', 'TOKEN: the sealed file is locked');

function codes(decision: Decision): string[] | string {
  return decision.kind === 'deny'
    ? decision.problems.map((problem) => problem.code)
    : decision.kind;
}

describe('a decision', () => {
  const cases: [title: string, facts: Partial<VariableFacts>, expected: string | string[]][] = [
    ['allows a known variable with a grant', {}, 'allow'],
    ['asks for a known variable without one', { granted: false }, 'ask'],
    ['asks before a remote store is asked', { state: 'unasked', granted: false }, 'ask'],
    ['allows what a remote store has yet to answer', { state: 'unasked' }, 'allow'],
    ['refuses an unknown variable, grant or not', { state: 'unknown' }, ['ERR_UNKNOWN_VARIABLE']],
    [
      'lets a default stand in for an unknown variable',
      { state: 'unknown', hasFallback: true },
      'allow',
    ],
    [
      'lets no default stand in for a locked one',
      { failure: locked, hasFallback: true },
      ['ERR_LOCKED'],
    ],
  ];
  test.each(cases)('%s', (_title, facts, expected) => {
    expect(codes(decide({ variables: [{ ...known, ...facts }] }))).toEqual(expected);
  });

  test('asks for the variables alone that no grant covers', () => {
    const other = { ...known, subject: 'OTHER', granted: false };
    expect(decide({ variables: [known, other] })).toEqual({ kind: 'ask', missing: ['OTHER'] });
  });

  test('asks for what a backend runs, and refuses it when a person did', () => {
    const tool = { backend: 'pass', granted: false };
    expect(decide({ variables: [known], tools: [{ ...tool, granted: true }] }).kind).toBe('allow');
    expect(decide({ variables: [known], tools: [tool] })).toEqual({ kind: 'ask', missing: [] });
    const refused = decide({ variables: [known], tools: [{ ...tool, denied: { id: 'K7Q4' } }] });
    expect(codes(refused)).toEqual(['ERR_DENIED']);
  });

  test('refuses what a person refused, granted or not, and names the refusal', () => {
    const denied = { id: 'K7Q4', until: '2026-01-01T00:00:00.000Z' };
    const decision = decide({ variables: [known], denied });
    expect(codes(decision)).toEqual(['ERR_DENIED']);
    expect(decision.kind === 'deny' && decision.problems[0]?.hint).toContain('K7Q4');
  });

  test('names every variable that failed, and asks for none of the others', () => {
    const decision = decide({
      variables: [
        known,
        { ...known, subject: 'A', state: 'unknown' },
        { ...known, subject: 'B', state: 'unknown' },
      ],
    });
    expect(decision.kind === 'deny' && decision.problems.map((problem) => problem.subject)).toEqual(
      ['A', 'B'],
    );
  });
});
