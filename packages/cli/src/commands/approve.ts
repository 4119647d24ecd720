import type { Client } from '@mcp-broker/daemon/client';
import { BrokerError, type Methods, type PendingApproval } from '@mcp-broker/daemon/protocol';

import { readPassphrase } from '../input/secret.ts';
import { table } from '../output/table.ts';
import { isThere } from './home.ts';
import { using, type Session } from './session.ts';
import { requestText } from './request-text.ts';

export interface ApproveInput {
  /** The id of a request, or the name of a server that has one; undefined: the only one there is. */
  readonly which: string | undefined;
  /** The descriptor that gives the sealed file's passphrase; undefined: the terminal. */
  readonly fd: number | undefined;
}

/** Shows one request in full, sees that a person is there, and grants it. */
export async function approve({ which, fd }: ApproveInput, session: Session): Promise<number> {
  return using(await session.connect(), async (client) => {
    const { pending } = (await client.call('approval.list', {})).result;
    const chosen = choose(pending, which, session);
    const { request, until } =
      fd === undefined
        ? await grantOnTerminal(client, chosen, session)
        : await grantWithPassphrase(client, chosen, fd, session);
    session.output.done(`approved ${request.id}: ${request.command}, until the ${until}`, {
      request,
      until,
    });
    session.output.note('start the server again in its client');
    return 0;
  });
}

/** As the daemon makes them; in any case. */
const idShape = /^[2-9a-hj-np-z]{4}$/iu;

/** Throws `ERR_NOT_FOUND` when there is none such, `ERR_USAGE` when there are several. */
function choose(
  pending: readonly PendingApproval[],
  which: string | undefined,
  { output }: Session,
): PendingApproval {
  const byId = pending.find(({ id }) => id === which?.toUpperCase());
  if (byId !== undefined) return byId;
  // A name is what the caller says of itself: it never stands in for an id that is not there.
  const byName = idShape.test(which ?? '') ? [] : pending.filter(({ server }) => server === which);
  const fitting = which === undefined ? pending : byName;
  const [first, ...others] = fitting;
  if (first === undefined) {
    throw which === undefined
      ? new BrokerError('ERR_NOT_FOUND', 'no request waits for approval', {
          hint: 'start the server first: its launch is refused, and its request kept for an hour',
        })
      : new BrokerError('ERR_NOT_FOUND', `no request waits under the name ${which}`, {
          hint: 'mcp approve shows those that wait',
        });
  }
  if (others.length === 0) return first;
  output.result(listText(fitting), fitting);
  throw new BrokerError('ERR_USAGE', 'several requests wait: approve one at a time, by its id', {
    hint: `mcp approve ${first.id}`,
  });
}

function listText(pending: readonly PendingApproval[]): string {
  return table(
    ['ID', 'SERVER', 'COMMAND', 'VARIABLES', 'REQUESTED'],
    pending.map(({ id, server, command, args, variables, requested }) => [
      id,
      server,
      [command, ...args].join(' '),
      variables.map(({ name }) => name).join(','),
      requested,
    ]),
  );
}

type Granted = Methods['approval.grant']['result'];

async function grantOnTerminal(
  client: Client,
  { id }: PendingApproval,
  session: Session,
): Promise<Granted> {
  const terminal = session.openTerminal();
  if (terminal === undefined) {
    throw new BrokerError(
      'ERR_PRESENCE',
      `request ${id} needs a person, and there is no terminal`,
      {
        hint: `run it on a terminal, or: mcp approve ${id} --fd 3 3< PASSPHRASE-FILE`,
      },
    );
  }
  try {
    const opened = (await client.call('approval.open', { id })).result;
    const { fingerprint } = opened.request;
    terminal.write(`${requestText(opened.request)}code: ${opened.code}\n`);
    const typed = await terminal.ask('Type the code to approve: ', { hidden: false });
    const code = typed.toString().trim();
    if (code === '') throw notTyped(id);
    return (await client.call('approval.grant', { id, fingerprint, code })).result;
  } finally {
    terminal.close();
  }
}

function notTyped(id: string): BrokerError {
  return new BrokerError('ERR_PRESENCE', `no code was typed: request ${id} still waits`, {
    hint: `mcp approve ${id}`,
  });
}

async function grantWithPassphrase(
  client: Client,
  request: PendingApproval,
  fd: number,
  session: Session,
): Promise<Granted> {
  // Whoever reads along, or the log of a script, sees what was approved.
  session.output.aside(requestText(request));
  const passphrase = await readPassphrase(session, { fd, command: `mcp approve ${request.id}` });
  const stopProgress = session.output.progress('the passphrase is checked, which takes a second');
  try {
    const attachments = [passphrase];
    return (
      await client.call(
        'approval.grant',
        { id: request.id, fingerprint: request.fingerprint },
        { attachments },
      )
    ).result;
  } catch (error) {
    throw isThere(session.paths.identity) ? error : noPassphrase(request.id, error);
  } finally {
    stopProgress();
    passphrase.fill(0);
  }
}

/** The daemon's words would be of a file that is missing, as if `mcp init` made one here. */
function noPassphrase(id: string, cause: unknown): BrokerError {
  return new BrokerError('ERR_PRESENCE', 'this home is opened by an identity file: no passphrase', {
    hint: `in a terminal: mcp approve ${id}`,
    cause,
  });
}
