import type { Lifetime, PendingApproval } from '../protocol/approvals.ts';
import type { GrantDecision, Grants, Launching } from '../grants/grants.ts';
import { pendingRequest, requested } from './pending-request.ts';

export const second = 1000;
export const minute: number = 60 * second;
export const hour: number = 60 * minute;
export const day: number = 24 * hour;

/** A launch that looks for its grants, for tests. */
export function launching(fingerprint = 'f', part: Partial<Launching> = {}): Launching {
  const parent = { pid: 10, startTime: 'start of 10' };
  return { fingerprint, workingDirectory: '/home/me/work', parent, ...part };
}

/** What a person decided on the launch `f`, for tests. */
export function decision(
  lifetime?: Lifetime,
  names: readonly string[] = ['A'],
  part: Partial<Omit<GrantDecision, 'request'>> & { request?: Partial<PendingApproval> } = {},
): GrantDecision {
  const request = { ...pendingRequest('f', names), id: 'AAAA', requested: '', expires: '' };
  return {
    outcome: 'allowed',
    variables: names.map(requested),
    ...(lifetime === undefined ? {} : { lifetime }),
    ...part,
    request: { ...request, ...part.request },
  };
}

/** Which of A, B and C may be had now. */
export function had(grants: Grants, by: Launching = launching()): string {
  const { granted, denied } = grants.look(by, ['$<A>', '$<B>', '$<C>']);
  if (denied !== undefined) return 'denied';
  return [...granted].map((reference) => reference.slice(2, -1)).join('');
}
