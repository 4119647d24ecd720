import { BrokerError } from '@mcp-broker/providers/errors';
import { deadline, isOver, type Clock, type Deadline } from '../clock.ts';
import type { Context } from '../listener/handler.ts';
import { randomId } from '../random-id.ts';

const validForMs = 30_000;

type Whose = Pick<Context, 'connection' | 'peer'>;

interface Issued<T> {
  readonly content: T;
  readonly context: Whose;
  readonly until: Deadline;
}

/** What a ticket stands for, kept until it is redeemed, its time is over or its connection has gone. */
export interface Tickets<T> {
  issue(context: Context, content: T): string;
  /**
   * Gives the content once, to the connection and process that the ticket was issued to. Any try, right
   * or wrong, spends it. Undefined: there is no such ticket, or not for them.
   */
  redeem(context: Context, ticket: string): T | undefined;
}

export function createTickets<T>(clock: Clock): Tickets<T> {
  /** What was issued to each connection: it goes with it. */
  const issued = new WeakMap<Context['connection'], Map<string, Issued<T>>>();
  /**
   * Of all connections, and without the content: a table that thousands pass through keeps what was in it
   * until the next large collection.
   */
  const where = new Map<string, Map<string, Issued<T>>>();

  const remove = (ticket: string): Issued<T> | undefined => {
    const tickets = where.get(ticket);
    const found = tickets?.get(ticket);
    where.delete(ticket);
    tickets?.delete(ticket);
    return found;
  };
  const issuedTo = (connection: Context['connection']): Map<string, Issued<T>> => {
    const known = issued.get(connection);
    if (known !== undefined) return known;
    const tickets = new Map<string, Issued<T>>();
    issued.set(connection, tickets);
    connection.onClose(() => {
      for (const ticket of tickets.keys()) remove(ticket);
    });
    return tickets;
  };

  return {
    issue(context, content) {
      const tickets = issuedTo(context.connection);
      // All are valid for as long, so that the first ones are over first.
      for (const [ticket, { until }] of tickets) {
        if (!isOver(until, clock)) break;
        remove(ticket);
      }
      const ticket = randomId(16);
      tickets.set(ticket, { content, context: whose(context), until: deadline(clock, validForMs) });
      where.set(ticket, tickets);
      return ticket;
    },
    redeem(context, ticket) {
      const found = remove(ticket);
      if (found === undefined || isOver(found.until, clock)) return undefined;
      return isSame(found.context, context) ? found.content : undefined;
    },
  };
}

/** Without what else the request came with. */
function whose({ connection, peer }: Context): Whose {
  return { connection, peer };
}

function isSame(a: Whose, b: Whose): boolean {
  return (
    a.connection.id === b.connection.id &&
    a.peer.pid === b.peer.pid &&
    a.peer.startTime === b.peer.startTime
  );
}

export function invalidTicket(): BrokerError {
  return new BrokerError('ERR_DENIED', 'the ticket is not valid here, or was used', {
    hint: 'start the server again',
  });
}
