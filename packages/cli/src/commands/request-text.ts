import type { PendingApproval } from '@mcp-broker/daemon/protocol';

import { escape, quote } from '../output/terminal.ts';

/**
 * A request, whole, for the person who decides on it. Every text that the caller could choose is quoted
 * and escaped, what the daemon itself found out is escaped; none is cut.
 */
export function requestText(request: PendingApproval): string {
  const lines: (readonly [string, string])[] = [
    ['request', escape(request.id)],
    [
      'server',
      request.server === undefined ? '-' : `${quote(request.server)} (as the caller says)`,
    ],
    ['command', quote(request.command)],
    ...request.args.map((text, index) => [`argument ${index + 1}`, quote(text)] as const),
    ['runs', quote(request.executable)],
    ['sha256', escape(request.digest)],
    ['in folder', quote(request.workingDirectory)],
    ['asked by', `process ${request.pid}, ${escape(request.requested)}`],
    ['fingerprint', escape(request.fingerprint)],
    ...request.environment.map(
      ({ name, value, origin }) =>
        ['environment', `${quote(name)} = ${quote(value)} (${origins[origin]})`] as const,
    ),
    ...request.variables.map(
      ({ name, backend, locator, into }) =>
        [
          'gets',
          `${quote(name)} from ${quote(backend)} at ${quote(locator)}, as ${into.map(quote).join(', ')}`,
        ] as const,
    ),
  ];
  const widest = Math.max(...lines.map(([label]) => label.length));
  return lines.map(([label, text]) => `${label.padEnd(widest)}  ${text}\n`).join('');
}

const origins = { inherited: 'inherited', entry: 'set with --env' } as const;
