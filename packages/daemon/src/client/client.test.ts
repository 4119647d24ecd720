import { once } from 'node:events';
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connect, type Client } from './index.ts';
import { names, startTestListener, temporaryHome, type TestListener } from '../listener/fixture.ts';
import { Decoder, encode } from '../protocol/framing.ts';

let home: ReturnType<typeof temporaryHome>;

beforeEach(() => {
  home = temporaryHome();
});
afterEach(() => {
  home.remove();
});

test('without a daemon and without leave to start one, the error says how to', async () => {
  const unreachable = { code: 'ERR_DAEMON_UNREACHABLE', hint: 'mcp daemon start' };
  await expect(connect(home.paths)).rejects.toMatchObject(unreachable);
  mkdirSync(home.paths.run, { mode: 0o700 });
  await expect(connect(home.paths)).rejects.toMatchObject(unreachable);
  rmSync(home.paths.home, { recursive: true });
  await expect(connect(home.paths)).rejects.toMatchObject(unreachable);
});

describe('with a daemon', () => {
  let listener: TestListener;
  let client: Client;

  beforeEach(async () => {
    listener = await startTestListener(home.paths);
    client = await connect(home.paths, { client: 'test' });
  });
  afterEach(async () => {
    client.close();
    await listener.stop(0);
  });

  test('calls run beside each other and find their answers', async () => {
    const all = Array.from({ length: 1000 }, (_, index) => `N${index}`);
    const replies = await Promise.all(all.map((name) => client.call('secret.show', { name })));
    expect(replies.map((reply) => reply.result.name)).toEqual(all);
  });

  test('attachments go out and come back, and the own ones stay as they are', async () => {
    const value = Buffer.from('a\nb\0\xff', 'latin1');
    await client.call('secret.set', { name: 'A' }, { attachments: [value] });
    expect(listener.values).toEqual([String(value)]);
    expect(value.equals(Buffer.from('a\nb\0\xff', 'latin1'))).toBe(true);
    const reply = await client.call('launch.take', { ticket: 't' });
    expect(reply.result.values).toEqual({ '$<A>': 0, '$<B>': 1, '$<C>': null });
    expect(reply.attachments.map(String)).toEqual(['value of t', '']);
  });

  test("the daemon's error arrives whole", async () => {
    await expect(client.call('secret.show', { name: names.denied })).rejects.toMatchObject({
      name: 'BrokerError',
      code: 'ERR_DENIED',
      message: 'no',
      hint: 'ask',
      subject: names.denied,
      exitCode: 77,
    });
  });

  test('a line longer than any request may be comes back all the same', async () => {
    const { result } = await client.call('secret.show', { name: names.large });
    expect(result.name).toHaveLength(100_000);
  });

  test('events reach those who listen', async () => {
    const lines: string[] = [];
    client.on('audit.line', ({ line }) => lines.push(line));
    await client.call('audit.tail', { lines: 3 });
    expect(lines).toEqual(['line 0', 'line 1', 'line 2']);
  });

  test('an abort cancels at the daemon, rejects at once, and leaves the connection whole', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const endless = client.call('secret.show', { name: names.endless }, { signal });
    await client.call('secret.show', { name: 'A' });
    controller.abort();
    await expect(endless).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    await expect.poll(() => listener.seen.aborted).toEqual([names.endless]);
    await expect(client.call('secret.show', { name: 'B' })).resolves.toMatchObject({
      result: { name: 'B' },
    });
    await expect(client.call('secret.show', { name: 'C' }, { signal })).rejects.toMatchObject({
      code: 'ERR_ABORTED',
    });
  });

  test('close ends the connection and what is under way', async () => {
    const endless = client.call('secret.show', { name: names.endless });
    client.close();
    await expect(endless).rejects.toMatchObject({ code: 'ERR_DAEMON_UNREACHABLE' });
    await expect(client.closed).resolves.toBeUndefined();
    await expect(client.call('secret.show', { name: 'A' })).rejects.toMatchObject({
      code: 'ERR_DAEMON_UNREACHABLE',
    });
    await expect.poll(() => listener.connections).toBe(0);
  });

  test('a daemon that goes rejects what is under way', async () => {
    const endless = client.call('secret.show', { name: names.endless });
    await client.call('secret.show', { name: 'A' });
    const stopped = listener.stop(1000);
    listener.clock.pass(1000);
    await expect(endless).rejects.toMatchObject({ code: 'ERR_DAEMON_UNREACHABLE' });
    await expect(client.closed).rejects.toMatchObject({ code: 'ERR_DAEMON_UNREACHABLE' });
    await stopped;
  });

  test('a client that only waits has said its hello', async () => {
    const quiet = await connect(home.paths);
    await client.call('secret.show', { name: 'A' });
    await expect.poll(() => listener.connections).toBe(2);
    // What is left is not the deadline of a hello: the listener looks at its socket and its peers.
    await expect.poll(() => listener.clock.timers).toBe(2);
    listener.clock.pass(5000);
    await expect(quiet.call('secret.show', { name: 'A' })).resolves.toBeDefined();
    quiet.close();
  });

  test('A14: a socket that others may reach is refused', async () => {
    chmodSync(home.paths.socket, 0o666);
    await expect(connect(home.paths)).rejects.toMatchObject({
      code: 'ERR_INSECURE_FILE',
      hint: `chmod 600 ${home.paths.socket}`,
    });
  });
});

describe('with a server that', () => {
  let server: Server;
  const chunks: Buffer[] = [];

  /** Answers the messages of a connection, counted from 0, with what `answer` gives. */
  async function serve(answer: (id: unknown, socket: Socket) => object | string): Promise<Client> {
    chunks.splice(0);
    mkdirSync(home.paths.run, { mode: 0o700 });
    server = createServer((socket) => {
      const decoder = new Decoder();
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        chunks.push(Buffer.from(chunk));
        for (const { message } of decoder.push(chunk)) {
          const reply = answer(message['id'], socket);
          socket.write(typeof reply === 'string' ? reply : encode(reply));
        }
      });
    });
    server.listen(home.paths.socket);
    await once(server, 'listening');
    chmodSync(home.paths.socket, 0o600);
    return connect(home.paths);
  }

  afterEach(() => {
    server.close();
  });

  const greeting = { jsonrpc: '2.0', id: 0, result: { protocol: 1, version: '1', pid: 1 } };
  const or = (id: unknown, reply: object | string): object | string =>
    id === 0 ? greeting : reply;

  test('counts reads sees hello and first call in one', async () => {
    const client = await serve((id) => or(id, { jsonrpc: '2.0', id, result: {} }));
    await client.call('broker.status', {});
    expect(chunks).toHaveLength(1);
    client.close();
  });

  test.each<[string, object | string]>([
    ['is no JSON', 'hello\n'],
    ['has an id that nobody asked with', { jsonrpc: '2.0', id: 99, result: {} }],
    ['has no result', { jsonrpc: '2.0', id: 1 }],
    ['has a result that is no object', { jsonrpc: '2.0', id: 1, result: 'x' }],
    ['has no id', { jsonrpc: '2.0', result: {} }],
    ['is too long', `"${'x'.repeat(5 * 1024 * 1024)}"\n`],
  ])('gives an answer that %s breaks the protocol', async (_name, reply) => {
    const client = await serve((id) => or(id, reply));
    await expect(client.call('broker.status', {})).rejects.toMatchObject({ code: 'ERR_PROTOCOL' });
    await expect(client.closed).rejects.toMatchObject({ code: 'ERR_PROTOCOL' });
  });

  test('gives an error of a code that is not ours breaks the protocol in this call alone', async () => {
    const error = { code: -1, message: 'x', data: { code: 'toString', message: 'x' } };
    const client = await serve((id) =>
      or(id, id === 1 ? { jsonrpc: '2.0', id, error } : { jsonrpc: '2.0', id, result: {} }),
    );
    await expect(client.call('broker.status', {})).rejects.toMatchObject({ code: 'ERR_PROTOCOL' });
    await expect(client.call('broker.status', {})).resolves.toBeDefined();
    client.close();
  });

  test.each([0, null])(
    'answers the hello with an error (id %s) tells it to every call',
    async (id) => {
      const data = { code: 'ERR_PROTOCOL', message: 'two versions', hint: 'mcp daemon restart' };
      const error = { code: -32_000, message: data.message, data };
      const client = await serve((asked) => (asked === 0 ? { jsonrpc: '2.0', id, error } : ''));
      const calls = [client.call('broker.status', {}), client.call('approval.list', {})];
      for (const call of calls) await expect(call).rejects.toMatchObject(data);
    },
  );

  test('goes away in the middle of an answer is gone', async () => {
    const client = await serve((id, socket) => {
      if (id === 1) setImmediate(() => socket.destroy());
      return or(id, '{"jsonrpc":"2.0","id":1,"attachments":1,"result":{}}\n\0\0');
    });
    await expect(client.call('broker.status', {})).rejects.toMatchObject({
      code: 'ERR_DAEMON_UNREACHABLE',
    });
  });
});
