import {
  BrokerError,
  type ErrorShape,
  type GrantSummary,
  type Lifetime,
  type PendingApproval,
} from '@mcp-broker/daemon/protocol';

import { table } from '../output/table.ts';
import { grantLifetime } from './grant-text.ts';
import { parseLifetime } from './lifetime.ts';
import { whileUnlocked } from './locking.ts';
import { choosePending } from './pending.ts';
import { using, type Session } from './session.ts';

export interface DenyInput {
  /** The id of a request, or the name of a server that has one. */
  readonly which: string;
  /** As typed; undefined: until lock or stop, or the client's next try would ask again. */
  readonly lifetime: string | undefined;
}

/** Refuses one request, and launches like it for as long as is asked. */
export async function deny({ which, lifetime }: DenyInput, session: Session): Promise<number> {
  const length: Lifetime = lifetime === undefined ? 'session' : parseLifetime(lifetime);
  const { id, denial } = await whileUnlocked(session, async (client) => {
    const { pending } = (await client.call('approval.list', {})).result;
    const chosen = choosePending(pending, which, session, 'deny');
    const params = { id: chosen.id, lifetime: length };
    return { id: chosen.id, ...(await client.call('approval.deny', params)).result };
  });
  const long =
    denial.lifetime === 'once'
      ? 'this request alone; the next launch asks again'
      : `the same launch is refused ${denial.lifetime === 'always' ? 'until it is revoked' : grantLifetime(denial)}`;
  session.output.done(`denied ${id}: ${long}`, { denial });
  if (denial.lifetime !== 'once') {
    session.output.note(`to take it back: mcp approvals revoke ${denial.id}`);
  }
  return 0;
}

/** What waits for a person, then what a person decided. */
export async function listApprovals(session: Session): Promise<number> {
  const { output } = session;
  const { pending, grants, problem } = await using(await session.connect(), async (client) => ({
    ...(await client.call('approval.list', {})).result,
    ...(await client.call('grant.list', {})).result,
  }));
  output.result(
    table(
      ['ID', 'OUTCOME', 'SERVER', 'COMMAND', 'VARIABLES', 'LIFETIME', 'UNTIL', 'WORKSPACE'],
      [...pending.map(pendingRow), ...grants.map(grantRow)],
      output.columns,
    ),
    { pending, grants, ...(problem === undefined ? {} : { problem }) },
  );
  if (problem !== undefined) warnOfGrants(problem, session);
  if (pending.length > 0) output.note('to look at one that waits: mcp approve ID');
  return 0;
}

/** What a file of grants that grants nothing is told as. */
export function warnOfGrants({ message, hint }: ErrorShape, { output }: Session): void {
  output.warn(hint === undefined ? message : `${message} (${hint})`);
}

type Row = readonly (string | undefined)[];

function pendingRow({ id, server, launch, variables, expires }: PendingApproval): Row {
  const names = variables.map(({ name }) => name).join(',');
  return [id, 'pending', server, launch.argv.join(' '), names, undefined, expires];
}

function grantRow(grant: GrantSummary): Row {
  const { id, outcome, server, argv, variables, lifetime, until, workspace } = grant;
  return [id, outcome, server, argv.join(' '), variables.join(','), lifetime, until, workspace];
}

export interface RevokeInput {
  /** The id of a grant or denial, or what callers called their server; undefined with `all`. */
  readonly which: string | undefined;
  readonly all: boolean;
}

/** Takes back what was decided. It needs nobody on a terminal: it only ever takes away. */
export async function revoke({ which, all }: RevokeInput, session: Session): Promise<number> {
  if ((which === undefined) !== all) {
    throw new BrokerError('ERR_USAGE', 'name a server or an id, or use --all', {
      hint: 'mcp approvals revoke ID, or: mcp approvals revoke --all',
    });
  }
  const { revoked } = await whileUnlocked(session, async (client) => {
    const { grants } = (await client.call('grant.list', {})).result;
    return (await client.call('grant.revoke', target(grants, which))).result;
  }).catch((error: unknown) => {
    // All of nothing is nothing.
    if (all && error instanceof BrokerError && error.code === 'ERR_NOT_FOUND')
      return { revoked: [] };
    throw error;
  });
  const ids = revoked.map(({ id }) => id).join(', ');
  const text = revoked.length === 0 ? 'nothing was there to revoke' : `revoked ${ids}`;
  session.output.done(text, { revoked });
  if (revoked.length > 0) {
    session.output.note('servers that run go on; the next launch asks');
  }
  return 0;
}

/** An id before a name: what a caller calls itself must not keep its grant out of reach. */
function target(
  grants: readonly GrantSummary[],
  which: string | undefined,
): { all: true } | { id: string } | { server: string } {
  if (which === undefined) return { all: true };
  const found = grants.find(({ id }) => id === which.toUpperCase());
  return found === undefined ? { server: which } : { id: found.id };
}
