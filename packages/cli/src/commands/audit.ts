import { printable } from '@mcp-broker/daemon/audit';
import { BrokerError } from '@mcp-broker/daemon/protocol';

import type { TailInput } from './daemon-logs.ts';
import { requireHome } from './home.ts';
import { using, type Session } from './session.ts';

/** The audit's last lines: with `--json` as they stand in the file, else one short line each. */
export async function tailAudit({ lines, follow }: TailInput, session: Session): Promise<number> {
  const client = await session.reach();
  if (client === undefined) {
    requireHome(session.paths.home);
    throw new BrokerError('ERR_DAEMON_UNREACHABLE', 'the daemon does not run', {
      hint: 'mcp daemon start',
    });
  }
  const { output } = session;
  const print = (line: string): void => {
    output.line(output.json ? printable(line) : describe(line));
  };
  return using(client, async (reached) => {
    // Lines may come before the answer that they follow: they wait for it.
    let early: string[] | undefined = [];
    reached.on('audit.line', ({ line }) => {
      if (early === undefined) print(line);
      else early.push(line);
    });
    const { result } = await reached.call('audit.tail', follow ? { lines, follow } : { lines });
    const tail = new Set(result.lines);
    for (const line of result.lines) print(line);
    for (const line of early) if (!tail.has(line)) print(line);
    early = undefined;
    if (follow) await reached.closed;
    return 0;
  });
}

/** Members whose place in the line is their own; the others follow as `name=value`. */
const leading: ReadonlySet<string> = new Set([
  'v',
  'seq',
  'time',
  'event',
  'outcome',
  'code',
  'server',
  'variables',
  'fingerprint',
  'claims',
  'prev',
  'mac',
]);

/** One line of the audit for a person. What is no JSON object is shown as it is. */
export function describe(line: string): string {
  let event: Readonly<Record<string, unknown>>;
  try {
    event = JSON.parse(line) as Readonly<Record<string, unknown>>;
  } catch {
    return line;
  }
  const variables = event['variables'];
  const words = [
    `${text(event['seq'])}  ${text(event['time'])}  ${text(event['event'])} ${text(event['outcome'])}`,
    event['code'] === undefined ? '' : text(event['code']),
    event['server'] === undefined ? '' : text(event['server']),
    Array.isArray(variables) ? variables.map(text).join(',') : '',
    ...Object.entries(event).map(([name, value]) =>
      leading.has(name) ? '' : `${name}=${text(value)}`,
    ),
  ];
  return words.filter((word) => word !== '').join('  ');
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
