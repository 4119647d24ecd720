import { expect, test } from 'vitest';
import type { Context } from '../listener/handler.ts';
import { fakeClock, type FakeClock } from '../testing/fake-clock.ts';
import { createTickets } from './tickets.ts';

const context = {
  peer: { pid: 1, uid: 0, startTime: '1' },
  connection: { id: 1, onClose: () => undefined },
} as unknown as Context;

test.each<[string, (clock: FakeClock) => void, string | undefined]>([
  ['29 seconds', (clock) => clock.pass(29_000), 'content'],
  ['30 seconds', (clock) => clock.pass(30_000), undefined],
  ['a sleep of 30 seconds', (clock) => clock.jump(30_000), undefined],
  [
    '30 seconds with the clock set back',
    (clock) => {
      clock.jump(-60_000);
      clock.pass(30_000);
    },
    undefined,
  ],
])('B17: after %s a ticket gives what is due', (_what, goes, expected) => {
  const clock = fakeClock();
  const tickets = createTickets<string>(clock);
  const ticket = tickets.issue(context, 'content');
  goes(clock);
  expect(tickets.redeem(context, ticket)).toBe(expected);
});
