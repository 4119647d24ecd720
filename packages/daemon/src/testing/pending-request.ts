import type {
  LaunchDescription,
  PendingApproval,
  RequestedVariable,
} from '../protocol/approvals.ts';

/** A variable of a request, for tests. */
export function requested(name: string): RequestedVariable {
  return {
    name,
    reference: `$<${name}>`,
    backend: 'sealed',
    kind: 'sealed',
    origin: '/home/me/.mcp/secrets.age',
    locator: name,
    into: [name],
    steers: [],
  };
}

/** A launch, for tests. */
export function launchDescription(part: Partial<LaunchDescription> = {}): LaunchDescription {
  return {
    argv: ['node', 'server.js'],
    allowArgs: false,
    files: [
      { role: 'command', path: '/usr/bin/node', digest: 'aa' },
      { role: 'script', path: '/home/me/server.js', digest: 'bb' },
    ],
    environment: [],
    inherited: [],
    origin: 'command line',
    variables: [],
    ...part,
  };
}

/** A request, for tests. */
export function pendingRequest(
  fingerprint: string,
  names: readonly string[] = ['A'],
): Omit<PendingApproval, 'id' | 'requested' | 'expires'> {
  return {
    launch: launchDescription(),
    workingDirectory: '/home/me/work',
    fingerprint,
    variables: names.map(requested),
    granted: [],
    pid: 1,
  };
}
