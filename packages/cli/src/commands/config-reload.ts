import { toBrokerError } from '@mcp-broker/daemon/protocol';

import { using, type Session } from './session.ts';

/** What became of a change: the daemon counts with it, none runs, or it kept what was in force. */
export type Taken = 'taken' | 'not-running' | 'kept';

/** Lets the daemon that runs take the file now. It watches the file as well; this says that it has. */
export async function takeConfig(session: Session): Promise<Taken> {
  const client = await session.reach();
  if (client === undefined) return 'not-running';
  try {
    await using(client, (reached) => reached.call('config.reload', {}));
    return 'taken';
  } catch (error) {
    const { message, hint } = toBrokerError(error);
    session.output.warn(hint === undefined ? message : `${message} (${hint})`);
    return 'kept';
  }
}

/** What asks for less, and counts from the next start of the daemon alone. */
const fromStart = [
  'settings.presence',
  'settings.lock_after',
  'settings.allow_namespaces',
  'settings.limits',
  'audit.keep',
];

/** Says when the change counts, and what follows from it. */
export function noteChange(taken: Taken, keys: readonly string[], { output }: Session): void {
  const begins = (part: string): boolean => keys.some((key) => key.startsWith(part));
  if (taken === 'not-running') {
    output.note('no daemon runs: it counts from the next start');
    return;
  }
  if (taken === 'kept') return;
  output.note('the running daemon has taken it');
  if (fromStart.some(begins)) {
    output.note('what asks for less than before counts once it is restarted: mcp daemon restart');
  }
  if (begins('backends') || begins('variables') || begins('servers')) {
    output.note('launches that it changes ask for approval again');
  }
}
