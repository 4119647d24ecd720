import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { BrokerError } from '@mcp-broker/providers/errors';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { lacks } from '../../../../test/kit/needs.ts';
import { systemClock } from '../clock.ts';
import { createPlatform } from '../platform/index.ts';
import { bindLendable, type Lendable } from '../testing/lend-socket.ts';
import { hello, rawClient, show, startTestListener, temporaryHome } from './fixture.ts';
import { turnAway } from './turn-away.ts';

const platform = createPlatform();
let home: ReturnType<typeof temporaryHome>;
let path: string;
let lendable: Lendable | undefined;

beforeEach(() => {
  home = temporaryHome();
  path = home.paths.socket;
  mkdirSync(home.paths.run, { mode: 0o700 });
});
afterEach(() => {
  lendable?.close();
  lendable = undefined;
  home.remove();
});

describe.skipIf(lacks('linux'))('a socket that a service manager lends', () => {
  test('is served, and outlives who serves it', async () => {
    lendable = bindLendable(path);
    const early = rawClient(path);
    early.write(hello, show(1, 'A'));
    const listener = await startTestListener(home.paths, { lent: lendable.lend() });
    expect((await early.next()).message).toMatchObject({ id: 0 });
    expect((await early.next()).message).toMatchObject({ result: { name: 'A' } });
    early.socket.destroy();
    await listener.stop(0);
    // Nobody accepts now, and whoever comes waits for the next daemon.
    const waiting = rawClient(path);
    await once(waiting.socket, 'connect');
    waiting.write(hello, show(1, 'B'));
    const next = await startTestListener(home.paths, { lent: lendable.lend() });
    await waiting.next();
    expect((await waiting.next()).message).toMatchObject({ result: { name: 'B' } });
    waiting.socket.destroy();
    await next.stop(0);
  });

  test('is asked at once whether it is what the path leads to', async () => {
    lendable = bindLendable(path);
    renameSync(path, `${path}.moved`);
    const other = createServer((socket) => socket.destroy()).listen(path);
    await once(other, 'listening');
    chmodSync(path, 0o600);
    const listener = await startTestListener(home.paths, { lent: lendable.lend() });
    listener.clock.pass(0);
    await expect.poll(() => listener.seen.lost).toBe(1);
    await listener.stop(0);
    expect(existsSync(path)).toBe(true);
    other.close();
    await once(other, 'close');
  });

  test('and then each minute, and answers for itself', async () => {
    lendable = bindLendable(path);
    const listener = await startTestListener(home.paths, { lent: lendable.lend() });
    const before = listener.clock.timers;
    for (const ms of [0, 60_000]) {
      listener.clock.pass(ms);
      // The next look has its timer once the answer is there.
      await expect.poll(() => [listener.clock.timers, listener.connections]).toEqual([before, 0]);
    }
    expect(listener.seen.lost).toBe(0);
    const stopped = listener.stop(0);
    listener.clock.pass(0);
    await stopped;
  });

  test.each<[what: string, lend: () => number, code: string]>([
    ['a file', () => openSync('/dev/null', 'r'), 'ERR_FOREIGN_SOCKET'],
    ['nothing', () => 1_000_000, 'ERR_FOREIGN_SOCKET'],
    [
      'a socket of another path',
      () => {
        bindLendable(path).close();
        lendable = bindLendable(`${path}.other`);
        return lendable.lend();
      },
      'ERR_FOREIGN_SOCKET',
    ],
    [
      'a socket that does not listen',
      () => (lendable = bindLendable(path, { listens: false })).lend(),
      'ERR_FOREIGN_SOCKET',
    ],
    [
      'a socket for datagrams',
      () => (lendable = bindLendable(path, { type: 2, listens: false })).lend(),
      'ERR_FOREIGN_SOCKET',
    ],
    [
      'a socket whose path has gone',
      () => {
        lendable = bindLendable(path);
        renameSync(path, `${path}.moved`);
        return lendable.lend();
      },
      'ERR_FOREIGN_SOCKET',
    ],
    [
      'a socket that others may reach',
      () => {
        lendable = bindLendable(path);
        chmodSync(path, 0o660);
        return lendable.lend();
      },
      'ERR_INSECURE_FILE',
    ],
  ])('A14: is refused when it is %s', async (_what, lend, code) => {
    const lent = lend();
    await expect(startTestListener(home.paths, { lent })).rejects.toMatchObject({ code });
    if (lent < 1_000_000) closeSync(lent);
  });

  test('tells all who wait why no daemon can start, and is there for the next one', async () => {
    lendable = bindLendable(path);
    const clients = Array.from({ length: 10 }, () => rawClient(path));
    for (const client of clients) client.write(hello, show(1, 'A'));
    const error = new BrokerError('ERR_CONFIG', 'line 3 is wrong', { hint: 'mcp config check' });
    const options = { paths: home.paths, platform, clock: systemClock };
    await turnAway(error, { ...options, lent: lendable.lend() });
    for (const client of clients) {
      expect((await client.rest()).map(({ message }) => message)).toMatchObject([
        { id: null, error: { data: error.toShape() } },
      ]);
    }
    const listener = await startTestListener(home.paths, { lent: lendable.lend() });
    const client = rawClient(path);
    client.write(hello);
    expect((await client.next()).message).toMatchObject({ id: 0 });
    client.socket.destroy();
    await listener.stop(0);
  });

  test('goes over to the next daemon, however often somebody comes again', async () => {
    lendable = bindLendable(path);
    const error = new BrokerError('ERR_CONFIG', 'line 3 is wrong', { hint: 'mcp config check' });
    const options = { paths: home.paths, platform, clock: systemClock, lent: lendable.lend() };
    const clients: ReturnType<typeof rawClient>[] = [];
    const again = setInterval(() => clients.push(rawClient(path)), 20);
    try {
      await turnAway(error, options);
    } finally {
      clearInterval(again);
      for (const { socket } of clients) socket.destroy();
    }
    expect(clients.length).toBeGreaterThan(10);
  });
});

describe.skipIf(lacks('linux'))('the service manager hears', () => {
  test.each([
    ['at a path', () => join(home.paths.home, 'notify')],
    ['at an abstract name', () => `@mcp-test-${process.pid}`],
  ])('a message %s', (_where, locate) => {
    const place = locate();
    lendable = bindLendable(place.replace('@', '\0'), { type: 2, listens: false });
    platform.tellServiceManager(place, 'READY=1');
    const received = Buffer.alloc(100);
    const fd = lendable.lend();
    expect(received.toString('utf8', 0, readSync(fd, received))).toBe('READY=1');
    closeSync(fd);
  });

  test.each(['/nowhere', `/${'x'.repeat(200)}`, '@nobody'])(
    'nothing at %s, without harm',
    (place) => {
      expect(() => {
        platform.tellServiceManager(place, 'READY=1');
      }).not.toThrow();
    },
  );
});
