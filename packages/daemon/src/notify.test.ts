import { expect, test } from 'vitest';
import type { Notification } from './desktop.ts';
import { createNotifier, type Notifier, type NotifierOptions } from './notify.ts';
import { fakeClock, type FakeClock } from './testing/fake-clock.ts';

interface Desktop {
  readonly notifier: Notifier;
  readonly clock: FakeClock;
  readonly reports: readonly string[];
  /** What was shown, once all that was asked for has been. */
  shown(): Promise<readonly Notification[]>;
}

function desktop(changes: Partial<NotifierOptions> = {}): Desktop {
  const clock = fakeClock();
  const seen: Notification[] = [];
  const reports: string[] = [];
  const notifier = createNotifier({
    clock,
    enabled: () => true,
    bus: () => 'unix:path=/bus',
    show: async (_bus, notification) => void seen.push(notification),
    report: (line) => reports.push(line),
    ...changes,
  });
  return {
    notifier,
    clock,
    reports,
    async shown() {
      await new Promise(setImmediate);
      await new Promise(setImmediate);
      return seen;
    },
  };
}

test('a request is shown with its id, who says to ask, and what to type', async () => {
  const { notifier, shown } = desktop();
  notifier.pending({ id: '7F3A', server: 'github' }, 'mcp approve 7F3A');
  expect(await shown()).toEqual([
    {
      summary: 'A launch waits for approval',
      body: 'A server that calls itself “github” asks for secrets: request 7F3A.\nIn a terminal: mcp approve 7F3A',
    },
  ]);
});

test.each([
  ['markup', '<a href="x">&amp;</a>', '“&lt;a href="x"&gt;&amp;amp;&lt;/a&gt;”'],
  ['line feeds and escape sequences', 'a\nrequest 1234\u001B[2J', '“a request 1234 [2J”'],
  ['bidirectional controls', 'a\u202Ebc\u2066d', '“a bc d”'],
  ['line separators', 'a\u2028b', '“a b”'],
  ['length', 'x'.repeat(500), `“${'x'.repeat(60)}…”`],
])('a name cannot pretend by %s', async (_title, server, text) => {
  const { notifier, shown } = desktop();
  notifier.pending({ id: '7F3A', server }, 'mcp approve 7F3A');
  const [notification] = await shown();
  expect(notification?.body).toContain(text);
  expect(notification?.body.split('\n')).toHaveLength(2);
});

test('the folder of a home is escaped too', async () => {
  const { notifier, shown } = desktop();
  notifier.pending({ id: '7F3A' }, 'mcp --home /a&b approve 7F3A');
  expect((await shown())[0]?.body).toMatch(/^A server asks .*mcp --home \/a&amp;b approve 7F3A$/su);
});

test('one request is told of once, and many at a time together', async () => {
  const { notifier, clock, shown } = desktop();
  for (const id of ['AAAA', 'AAAA', 'BBBB', 'CCCC', 'BBBB']) notifier.pending({ id }, 'x');
  expect(await shown()).toHaveLength(1);
  clock.pass(10_000);
  expect((await shown()).slice(1)).toEqual([
    { summary: 'A launch waits for approval', body: '2 more wait. In a terminal: mcp approve' },
  ]);
  clock.pass(60_000);
  notifier.pending({ id: 'AAAA' }, 'x');
  notifier.pending({ id: 'DDDD' }, 'x');
  expect((await shown()).slice(2)).toMatchObject([
    { body: expect.stringContaining('DDDD') as string },
  ]);
});

test.each<[title: string, changes: Partial<NotifierOptions>, reports: string[]]>([
  ['off', { enabled: () => false }, []],
  ['without a bus', { bus: () => undefined }, ['notify: there is no session bus']],
  [
    'with a tool that fails',
    {
      async show() {
        throw new Error('gdbus failed');
      },
    },
    ['notify: gdbus failed'],
  ],
])('nothing is shown, and nothing thrown, %s', async (_title, changes, expected) => {
  const { notifier, reports, shown } = desktop(changes);
  notifier.pending({ id: '7F3A' }, 'mcp approve 7F3A');
  expect(await shown()).toEqual([]);
  expect(reports).toEqual(expected);
});
