import { BrokerError, type PendingApproval } from '@mcp-broker/daemon/protocol';

import { table } from '../output/table.ts';
import type { Session } from './session.ts';

/** As the daemon makes them; in any case. */
const idShape = /^[2-9a-hj-np-z]{4}$/iu;

/** Throws `ERR_NOT_FOUND` when there is none such, `ERR_USAGE` when there are several. */
export function choosePending(
  pending: readonly PendingApproval[],
  which: string | undefined,
  { output }: Session,
  verb: 'approve' | 'deny' = 'approve',
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
          hint: 'what waits: mcp approvals',
        });
  }
  if (others.length === 0) return first;
  output.result(pendingTable(fitting, output.columns), fitting);
  throw new BrokerError('ERR_USAGE', `several requests wait: ${verb} one at a time, by its id`, {
    hint: `mcp ${verb} ${first.id}`,
  });
}

function pendingTable(pending: readonly PendingApproval[], columns: number | undefined): string {
  return table(
    ['ID', 'SERVER', 'COMMAND', 'VARIABLES', 'REQUESTED'],
    pending.map(({ id, server, launch, variables, requested }) => [
      id,
      server,
      launch.argv.join(' '),
      variables.map(({ name }) => name).join(','),
      requested,
    ]),
    columns,
  );
}
