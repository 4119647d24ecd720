import { EventEmitter, once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { helloMs } from './session.ts';
import { messageMs } from './channel.ts';
import {
  hello,
  names,
  platformWith,
  rawClient,
  show,
  startTestListener,
  temporaryHome,
  type TestListener,
} from './fixture.ts';
import { createPlatform } from '../platform/index.ts';
import { encode } from '../protocol/framing.ts';

let home: ReturnType<typeof temporaryHome>;
let listener: TestListener;
let path: string;

beforeEach(async () => {
  home = temporaryHome();
  path = home.paths.socket;
  listener = await startTestListener(home.paths);
});
afterEach(async () => {
  await listener.stop(0);
  home.remove();
});

/** A client that does not end its half because the listener has ended its own. */
function connectHalfOpen(): Socket {
  const socket = createConnection({ path, allowHalfOpen: true });
  socket.resume();
  return socket;
}

/** The listener still serves a client that behaves. */
async function serves(): Promise<void> {
  const client = rawClient(path);
  client.write(hello, show(1, 'A'));
  expect((await client.next()).message).toMatchObject({ id: 0 });
  expect((await client.next()).message).toMatchObject({ id: 1, result: { name: 'A' } });
  client.socket.destroy();
  await once(client.socket, 'close');
}

test.each<[string, string | Buffer]>([
  ['text', 'GET / HTTP/1.1\n'],
  ['a batch', '[{"jsonrpc":"2.0","id":0,"method":"broker.hello","params":{"protocol":1}}]\n'],
  ['__proto__', '{"jsonrpc":"2.0","id":0,"__proto__":{"isAdmin":true}}\n'],
  ['a key that stands twice', '{"jsonrpc":"2.0","id":0,"id":1}\n'],
  ['a depth of 200,000', `${'{"a":['.repeat(30_000)}\n`],
  ['bytes that are not UTF-8', Buffer.from([0x22, 0xc3, 0x28, 0x22, 0x0a])],
  ['a bare CR', '{"jsonrpc":"2.0"}\r{"id":0}\n'],
  ['65 attachments', '{"jsonrpc":"2.0","attachments":65}\n'],
  [
    'an attachment of 4 GiB',
    Buffer.concat([Buffer.from('{"attachments":1}\n'), Buffer.alloc(4, 0xff)]),
  ],
])('B6: %s is answered once, ends the connection, and hurts nobody else', async (_name, bytes) => {
  const client = rawClient(path);
  client.write(bytes);
  const answers = await client.rest();
  expect(answers.map((answer) => answer.message)).toMatchObject([
    { id: null, error: { code: -32_700, data: { code: 'ERR_PROTOCOL' } } },
  ]);
  expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
  await serves();
});

test('B5: a line of 10 MB is refused in words, and ends the connection', async () => {
  const client = rawClient(path);
  client.write(Buffer.alloc(10 * 1024 * 1024, 0x20));
  expect((await client.rest()).map((answer) => answer.message)).toMatchObject([
    { id: null, error: { message: expect.stringContaining('262144 bytes') as string } },
  ]);
  await serves();
});

test('a client that is told to go and stays is let go after 2 s', async () => {
  const client = connectHalfOpen();
  client.write('garbage\n');
  await once(client, 'end');
  expect(listener.connections).toBe(1);
  listener.clock.pass(2000);
  await expect.poll(() => listener.connections).toBe(0);
  client.destroy();
});

test('B5: a client that says no hello is told so after 2 s', async () => {
  const client = rawClient(path);
  await expect.poll(() => listener.connections).toBe(1);
  listener.clock.pass(helloMs);
  const [answer] = await client.rest();
  expect(answer?.message).toMatchObject({ error: { message: 'no hello within 2 s' } });
});

test('a hello that arrived in time counts, though nobody could read it in time', async () => {
  const client = rawClient(path);
  await once(client.socket, 'connect');
  await expect.poll(() => listener.connections).toBe(1);
  client.write(hello);
  listener.clock.pass(helloMs);
  expect((await client.next()).message).toMatchObject({ id: 0, result: {} });
  client.socket.destroy();
});

test('B5: a client that sends a byte a second does not live for ever', async () => {
  // The channel looks at the peer for whatever it reads: so the test knows that it has read a byte.
  const { startTime } = createPlatform();
  const reads = new EventEmitter();
  await listener.stop(0);
  listener = await startTestListener(home.paths, {
    platform: platformWith({
      startTime(pid) {
        reads.emit('read');
        return startTime(pid);
      },
    }),
  });
  const client = rawClient(path);
  client.write(hello);
  await client.next();
  const bytes = encode(show(1, 'A'));
  for (const byte of bytes.subarray(0, messageMs / 1000)) {
    const read = once(reads, 'read');
    client.write(Buffer.of(byte));
    await read;
    listener.clock.pass(1000);
  }
  const [answer, ...more] = await client.rest();
  expect(answer?.message).toMatchObject({
    id: null,
    error: { message: `a message took longer than ${messageMs / 1000} s` },
  });
  expect(more).toEqual([]);
});

test('a message in two halves within its time is served, and an idle client stays', async () => {
  const client = rawClient(path);
  client.write(hello);
  await client.next();
  const bytes = encode(show(1, 'A'));
  for (let round = 0; round < 5; round += 1) {
    client.write(bytes.subarray(0, 9));
    await expect.poll(() => listener.clock.timers).toBe(3);
    listener.clock.pass(messageMs - 1);
    client.write(bytes.subarray(9));
    expect((await client.next()).message).toMatchObject({ id: 1 });
  }
  listener.clock.pass(10 * 60_000);
  client.write(show(2, 'B'));
  expect((await client.next()).message).toMatchObject({ id: 2 });
  client.socket.destroy();
});

test('B5: 10,000 connections that send garbage leave a listener that serves', async () => {
  let seed = 1;
  const random = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  const good = Buffer.concat([hello, show(1, 'A')].map((one) => encode(one)));
  const garbage = (): Buffer => {
    // A good start, cut and spoiled somewhere, comes further than noise.
    const bytes = random(2) === 0 ? Buffer.from(good) : Buffer.alloc(random(300) + 1);
    const noise = Buffer.from(bytes.map(() => random(256)));
    return Buffer.concat([bytes.subarray(0, random(bytes.length)), noise.subarray(0, random(50))]);
  };
  const one = async (): Promise<void> => {
    const socket = createConnection(path);
    socket.on('error', () => undefined);
    socket.resume();
    socket.write(garbage());
    if (random(3) === 0) socket.end();
    else setImmediate(() => socket.destroy());
    await once(socket, 'close');
  };
  for (let round = 0; round < 200; round += 1) {
    await Promise.all(Array.from({ length: 50 }, one));
  }
  await expect.poll(() => listener.connections).toBe(0);
  expect(listener.bugs).toEqual([]);
  await serves();
}, 60_000);

test('B5: a client that does not read is let go, and what it is owed does not pile up', async () => {
  const client = rawClient(path);
  client.write(hello);
  await client.next();
  client.socket.pause();
  // Events do not wait for the client, as answers to further requests would.
  client.write({ jsonrpc: '2.0', id: 1, method: 'audit.tail', params: { lines: 10_000 } });
  for (let id = 2; id < 20; id += 1) {
    client.write({ jsonrpc: '2.0', id, method: 'audit.tail', params: { lines: 10_000 } });
  }
  await expect.poll(() => listener.connections, { timeout: 10_000 }).toBe(0);
  client.socket.destroy();
  await serves();
}, 20_000);

test('a client that reads slowly gets everything', async () => {
  const client = rawClient(path);
  client.write(hello);
  await client.next();
  client.socket.pause();
  const ids = Array.from({ length: 300 }, (_, index) => index + 1);
  client.write(Buffer.concat(ids.map((id) => encode(show(id, names.large)))));
  await expect.poll(() => client.socket.writableLength).toBe(0);
  client.socket.resume();
  const answers = new Set<unknown>();
  for (const _ of ids) answers.add((await client.next()).message['id']);
  expect(answers).toEqual(new Set(ids));
  client.socket.destroy();
}, 20_000);
