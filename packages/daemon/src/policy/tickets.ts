import { randomBytes } from 'node:crypto';
import { BrokerError } from '@mcp-broker/providers/errors';
import { deadline, isOver, type Clock, type Deadline } from '../clock.ts';
import type { Context } from '../listener/handler.ts';

const validForMs = 30_000;

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
  const issued = new Map<
    string,
    { readonly content: T; readonly context: Context; readonly until: Deadline }
  >();
  const watched = new WeakSet<Context['connection']>();

  const sweep = (gone: (context: Context) => boolean): void => {
    for (const [ticket, { context, until }] of issued) {
      if (isOver(until, clock) || gone(context)) issued.delete(ticket);
    }
  };

  return {
    issue(context, content) {
      sweep(() => false);
      const { connection } = context;
      if (!watched.has(connection)) {
        watched.add(connection);
        connection.onClose(() => {
          sweep((other) => other.connection.id === connection.id);
        });
      }
      const ticket = randomBytes(16).toString('hex');
      issued.set(ticket, { content, context, until: deadline(clock, validForMs) });
      return ticket;
    },
    redeem(context, ticket) {
      const found = issued.get(ticket);
      issued.delete(ticket);
      if (found === undefined || isOver(found.until, clock)) return undefined;
      return isSame(found.context, context) ? found.content : undefined;
    },
  };
}

function isSame(a: Context, b: Context): boolean {
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
