import { describe, expect, test } from 'vitest';
import { fakeClock } from '../testing/fake-clock.ts';
import type { PendingApproval } from '../protocol/messages.ts';
import { createApprovals } from './approvals.ts';

function request(fingerprint: string, server?: string): Omit<PendingApproval, 'id' | 'requested'> {
  return {
    ...(server === undefined ? {} : { server }),
    command: 'node',
    args: [],
    executable: '/usr/bin/node',
    digest: 'aa',
    workingDirectory: '/',
    environment: [],
    variables: [{ reference: '$<A>', name: 'A', backend: 'sealed', locator: 'A', into: ['A'] }],
    fingerprint,
    pid: 1,
  };
}

describe('approvals', () => {
  test('a grant covers its fingerprint and its references, and nothing else', () => {
    const approvals = createApprovals(fakeClock());
    expect(approvals.covers('f', ['$<A>'])).toBe(false);
    approvals.grant(approvals.request(request('f')));
    expect(approvals.covers('f', ['$<A>'])).toBe(true);
    expect(approvals.covers('f', ['$<A>', '$<B>'])).toBe(false);
    expect(approvals.covers('g', ['$<A>'])).toBe(false);
    expect(approvals.pending).toEqual([]);
  });

  test('the same launch asked for twice is one request', () => {
    const approvals = createApprovals(fakeClock());
    expect(approvals.request(request('f')).id).toBe(approvals.request(request('f')).id);
    expect(approvals.pending).toHaveLength(1);
  });

  test('a request is found by its id in any case, and never by what it calls itself', () => {
    const approvals = createApprovals(fakeClock());
    const { id } = approvals.request(request('f', 'github'));
    expect(approvals.find(id.toLowerCase()).id).toBe(id);
    expect(() => approvals.find('github')).toThrow('no pending request github');
  });

  test('an unknown id is not found, and a request is gone after an hour', () => {
    const clock = fakeClock();
    const approvals = createApprovals(clock);
    const { id } = approvals.request(request('f'));
    expect(() => approvals.find('0000')).toThrow('no pending request 0000');
    clock.pass(60 * 60 * 1000 + 1);
    expect(() => approvals.find(id)).toThrow(`no pending request ${id}`);
  });

  test('a request that waits never makes room for another', () => {
    const approvals = createApprovals(fakeClock());
    const ids = Array.from(
      { length: 64 },
      (_, index) => approvals.request(request(`f${index}`)).id,
    );
    expect(() => approvals.request(request('one more'))).toThrow('64 requests wait for approval');
    expect(ids.map((id) => approvals.find(id).id)).toEqual(ids);
    expect(approvals.request(request('f7')).id).toBe(ids[7]);
  });

  test('all grants can be taken back', () => {
    const approvals = createApprovals(fakeClock());
    approvals.grant(approvals.request(request('f')));
    approvals.revokeAll();
    expect(approvals.covers('f', ['$<A>'])).toBe(false);
  });

  test('a code is good once, in any case, on its own connection and for its own request', () => {
    const approvals = createApprovals(fakeClock());
    const asked = approvals.request(request('f'));
    const other = approvals.request(request('g'));
    const wrong = /was not typed right/u;
    expect(() => approvals.checkCode(asked, 1, '')).toThrow(wrong);
    const code = approvals.issueCode(asked, 1);
    expect(() => approvals.checkCode(other, 1, code)).toThrow(wrong);
    approvals.checkCode(asked, 1, ` ${code.toLowerCase()}\n`);
    expect(() => approvals.checkCode(asked, 1, code)).toThrow(wrong);
    const second = approvals.issueCode(asked, 1);
    expect(() => approvals.checkCode(asked, 2, second)).toThrow(wrong);
    expect(() => approvals.checkCode(asked, 1, second)).toThrow(wrong);
  });

  test('a code is no good after ten minutes', () => {
    const clock = fakeClock();
    const approvals = createApprovals(clock);
    const asked = approvals.request(request('f'));
    const code = approvals.issueCode(asked, 1);
    clock.pass(10 * 60 * 1000 + 1);
    expect(() => approvals.checkCode(asked, 1, code)).toThrow(/was not typed right/u);
  });
});
