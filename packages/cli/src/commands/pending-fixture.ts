import type {
  GrantSummary,
  LaunchDescription,
  PendingApproval,
  RequestedVariable,
} from '@mcp-broker/daemon/protocol';

import type { Answers } from './fake-session.ts';

/** For tests: a request for one variable by a package runner, and what a daemon would answer about it. */
export function variableOf(name: string, more: Partial<RequestedVariable> = {}): RequestedVariable {
  return {
    name,
    reference: `$<${name}>`,
    backend: 'sealed',
    kind: 'sealed-file',
    origin: '/home/me/.mcp/secrets.age',
    locator: name,
    into: [name],
    steers: [],
    ...more,
  };
}

export const launch: LaunchDescription = {
  argv: ['npx', '-y', '@scope/server'],
  allowArgs: false,
  files: [
    { role: 'command', path: '/usr/bin/npx', digest: 'c'.repeat(64) },
    { role: 'interpreter', path: '/usr/bin/node', digest: 'd'.repeat(64) },
  ],
  environment: [{ name: 'API_TOKEN', value: '$<API_TOKEN>', origin: 'entry' }],
  inherited: [],
  origin: 'command line',
  variables: [variableOf('API_TOKEN')],
};

export function pending(id: string, more: Partial<PendingApproval> = {}): PendingApproval {
  return {
    id,
    launch,
    workingDirectory: '/home/me/project',
    variables: [variableOf('API_TOKEN')],
    granted: [],
    fingerprint: 'f'.repeat(64),
    pid: 4711,
    requested: '2026-01-01T00:00:00.000Z',
    expires: '2026-01-01T01:00:00.000Z',
    ...more,
  };
}

export function grantOf(id: string, more: Partial<GrantSummary> = {}): GrantSummary {
  return {
    id,
    outcome: 'allowed',
    argv: launch.argv,
    variables: ['API_TOKEN'],
    fingerprint: 'f'.repeat(64),
    lifetime: 'always',
    since: '2026-01-01T00:00:00.000Z',
    ...more,
  };
}

export function answers(requests: readonly PendingApproval[]): Answers {
  const find = (id: string): PendingApproval => {
    const request = requests.find((other) => other.id === id);
    if (request === undefined) throw new Error(`no ${id}`);
    return request;
  };
  return {
    'broker.status': () => ({ keys: { source: 'sealed', state: 'ready' }, backends: [] }) as never,
    'approval.list': () => ({ pending: requests }),
    'approval.open': ({ id }) => ({ request: find(id), code: 'K7Q4' }),
    'approval.grant': ({ id, variables }) => {
      const plain = find(id).variables.filter(({ steers }) => steers.length === 0);
      const names = variables ?? plain.map(({ name }) => name);
      const left = find(id).variables.map(({ name }) => name);
      return {
        grant: grantOf('GGGG', { variables: names }),
        left: left.filter((name) => !names.includes(name)),
      };
    },
    'approval.deny': ({ id, lifetime }) => ({
      denial: grantOf('DDDD', {
        outcome: 'denied',
        argv: find(id).launch.argv,
        lifetime: typeof lifetime === 'string' ? lifetime : 'duration',
        ...(typeof lifetime === 'number' ? { until: '2026-01-01T08:00:00.000Z' } : {}),
      }),
    }),
  };
}
