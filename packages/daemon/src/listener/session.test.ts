import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  hello,
  names,
  rawClient,
  show,
  startTestListener,
  temporaryHome,
  type RawClient,
  type TestListener,
} from './fixture.ts';
import { encode } from '../protocol/framing.ts';
import { protocolVersion } from '../protocol/messages.ts';

let home: ReturnType<typeof temporaryHome>;
let listener: TestListener;
let client: RawClient;

beforeEach(async () => {
  home = temporaryHome();
  listener = await startTestListener(home.paths);
  client = rawClient(home.paths.socket);
});
afterEach(async () => {
  client.socket.destroy();
  await listener.stop(0);
  home.remove();
});

async function messages(count: number): Promise<Readonly<Record<string, unknown>>[]> {
  const all = [];
  for (let index = 0; index < count; index += 1) all.push((await client.next()).message);
  return all;
}

function withCode(code: string, more: object = {}): unknown {
  return expect.objectContaining({
    error: expect.objectContaining({ data: expect.objectContaining({ code, ...more }) }),
  });
}

test('a hello is answered with the protocol, the version and the pid', async () => {
  client.write(hello);
  expect((await client.next()).message).toEqual({
    jsonrpc: '2.0',
    id: 0,
    result: { protocol: protocolVersion, version: '9.9.9', pid: process.pid },
  });
});

test('requests may stand right behind the hello, in one write', async () => {
  client.write(Buffer.concat([hello, show(1, 'A'), show(2, 'B')].map((one) => encode(one))));
  expect(await messages(3)).toMatchObject([
    { id: 0 },
    { id: 1, result: { name: 'A' } },
    { id: 2, result: { name: 'B' } },
  ]);
});

test('a client of another version is told both versions and what to do', async () => {
  client.write({ ...hello, params: { protocol: 7 } }, show(1, 'A'));
  const [answer, ...more] = await client.rest();
  expect(answer?.message).toEqual(
    withCode('ERR_PROTOCOL', {
      message: `the client speaks protocol 7 and the daemon protocol ${protocolVersion}`,
      hint: 'mcp daemon restart',
    }),
  );
  expect(answer?.message['id']).toBe(0);
  expect(more).toEqual([]);
});

test.each<[string, object, number | null]>([
  ['a request before the hello', show(1, 'A'), null],
  [
    'a notification before the hello',
    { jsonrpc: '2.0', method: 'request.cancel', params: { id: 1 } },
    null,
  ],
  ['a hello without a version', { ...hello, params: {} }, null],
  ['a message that is no JSON-RPC', { hello: 'world' }, null],
  ['JSON-RPC 1.0', { ...hello, jsonrpc: '1.0' }, null],
  ['an id that is text', { ...hello, id: '0' }, null],
  ['an id that is null', { ...hello, id: null }, null],
  ['an id below zero', { ...hello, id: -1 }, null],
  ['an id that is not whole', { ...hello, id: 1.5 }, null],
  ['an id that is too large', { ...hello, id: 2 ** 53 }, null],
  ['params that are a string', { ...hello, params: 'x' }, null],
  ['a member too many', { ...hello, extra: 1 }, null],
])('%s ends the connection', async (_name, message, id) => {
  client.write(message);
  const [answer, ...more] = await client.rest();
  expect(answer?.message).toMatchObject({ id, error: { code: -32_600 } });
  expect(more).toEqual([]);
});

describe('after the hello', () => {
  beforeEach(async () => {
    client.write(hello);
    await client.next();
  });

  test('answers come when they are ready, in any order', async () => {
    client.write(show(1, names.endless), show(2, 'B'));
    expect(await messages(1)).toMatchObject([{ id: 2 }]);
    client.write({ jsonrpc: '2.0', method: 'request.cancel', params: { id: 1 } });
    expect(await messages(1)).toMatchObject([{ id: 1 }]);
  });

  test('a thousand requests in one go get a thousand answers', async () => {
    const ids = Array.from({ length: 1000 }, (_, index) => index + 1);
    client.write(Buffer.concat(ids.map((id) => encode(show(id, `N${id}`)))));
    const answers = await messages(1000);
    expect(answers.map((answer) => answer['id']).sort((a, b) => Number(a) - Number(b))).toEqual(
      ids,
    );
  });

  test('of more requests at once than may run, the others are told so', async () => {
    const ids = Array.from({ length: 1025 }, (_, index) => index + 1);
    client.write(Buffer.concat(ids.map((id) => encode(show(id, names.endless)))));
    expect((await client.next()).message).toEqual(withCode('ERR_PROTOCOL', { retryable: true }));
    client.write({ jsonrpc: '2.0', method: 'request.cancel', params: { id: 1 } });
    expect((await client.next()).message).toMatchObject({ id: 1 });
    client.write(show(2000, 'A'));
    expect((await client.next()).message).toMatchObject({ id: 2000, result: {} });
  });

  test('an error of ours is sent with its code, hint and subject', async () => {
    client.write(show(1, names.denied));
    expect((await client.next()).message).toEqual({
      jsonrpc: '2.0',
      id: 1,
      error: {
        code: -32_000,
        message: 'no',
        data: { code: 'ERR_DENIED', message: 'no', hint: 'ask', subject: names.denied },
      },
    });
  });

  test('what else a handler throws is ERR_INTERNAL, reported without its message', async () => {
    client.write(show(1, names.bug), show(2, 'A'));
    const [bug, fine] = await messages(2);
    expect(bug).toEqual(withCode('ERR_INTERNAL', { message: 'internal error' }));
    expect(JSON.stringify(bug)).not.toContain('hunter2');
    expect(fine).toMatchObject({ id: 2, result: { name: 'A' } });
    expect(listener.bugs).toEqual(['secret.show ERR_INTERNAL']);
  });

  test('a method that nobody serves is an error, and the connection stays', async () => {
    for (const method of ['secret.reveal', 'broker.hello', 'toString', '__proto__']) {
      client.write({ jsonrpc: '2.0', id: 1, method, params: {} });
      expect((await client.next()).message).toMatchObject({
        id: 1,
        error: { code: -32_601, data: { code: 'ERR_PROTOCOL' } },
      });
    }
    client.write(show(2, 'A'));
    expect((await client.next()).message).toMatchObject({ id: 2, result: { name: 'A' } });
  });

  test('params that do not fit are an error that names the member, and the connection stays', async () => {
    client.write({ jsonrpc: '2.0', id: 1, method: 'secret.show', params: { name: ['hunter2'] } });
    const { message } = await client.next();
    expect(message).toMatchObject({
      id: 1,
      error: { code: -32_602, data: { code: 'ERR_USAGE', hint: expect.any(String) } },
    });
    expect(JSON.stringify(message)).toContain('params.name');
    expect(JSON.stringify(message)).not.toContain('hunter2');
    client.write(show(2, 'A'));
    expect((await client.next()).message).toMatchObject({ id: 2 });
  });

  test('params may be left out', async () => {
    client.write({ jsonrpc: '2.0', id: 1, method: 'secret.show' });
    expect((await client.next()).message).toEqual(withCode('ERR_USAGE'));
  });

  test('an id that is still under way ends the connection', async () => {
    client.write(show(5, names.endless), show(5, 'A'));
    const [answer, ...more] = await client.rest();
    expect(answer?.message).toMatchObject({ id: null, error: { code: -32_600 } });
    expect(answer?.message).toEqual(withCode('ERR_PROTOCOL'));
    expect(more).toEqual([]);
    await expect.poll(() => listener.seen.aborted).toEqual([names.endless]);
  });

  test('an id may be used again once it was answered', async () => {
    client.write(show(5, 'A'));
    await client.next();
    client.write(show(5, 'B'));
    expect((await client.next()).message).toMatchObject({ id: 5, result: { name: 'B' } });
  });

  test('a cancel of what does not run is nothing', async () => {
    client.write({ jsonrpc: '2.0', method: 'request.cancel', params: { id: 77 } }, show(1, 'A'));
    expect((await client.next()).message).toMatchObject({ id: 1 });
  });

  test.each([
    { jsonrpc: '2.0', method: 'request.cancel', params: {} },
    { jsonrpc: '2.0', method: 'secret.show', params: { name: 'A' } },
  ])('the notification %j ends the connection', async (message) => {
    client.write(message);
    const [answer] = await client.rest();
    expect(answer?.message).toMatchObject({ id: null });
  });

  test('attachments reach the handler, and are wiped after it', async () => {
    const request = { jsonrpc: '2.0', id: 1, method: 'secret.set', params: { name: 'A' } };
    client.write(encode(request, [Buffer.from('hunter2\n{}')]));
    expect((await client.next()).message).toMatchObject({ id: 1, result: { created: true } });
    expect(listener.values).toEqual(['hunter2\n{}']);
    expect(listener.seen.buffers.every((buffer) => buffer.every((byte) => byte === 0))).toBe(true);
  });

  test('attachments of a request that is refused are no obstacle to the next', async () => {
    const request = { jsonrpc: '2.0', id: 1, method: 'secret.show', params: { name: 'A' } };
    client.write(encode(request, [Buffer.from('hunter2')]), show(2, 'A'));
    expect(await messages(2)).toMatchObject([
      { id: 1, error: { data: { code: 'ERR_USAGE' } } },
      { id: 2, result: {} },
    ]);
  });

  test('attachments of an answer follow its line, and the originals are wiped', async () => {
    client.write({ jsonrpc: '2.0', id: 1, method: 'launch.take', params: { ticket: 't' } });
    const { message, attachments } = await client.next();
    expect(message).toMatchObject({ id: 1, attachments: 2 });
    expect(attachments.map(String)).toEqual(['value of t', '']);
    expect(listener.seen.buffers.every((buffer) => buffer.every((byte) => byte === 0))).toBe(true);
  });

  test('events come on the connection that asked', async () => {
    client.write({ jsonrpc: '2.0', id: 1, method: 'audit.tail', params: { lines: 2 } });
    expect(await messages(3)).toMatchObject([
      { method: 'audit.line', params: { line: 'line 0' } },
      { method: 'audit.line', params: { line: 'line 1' } },
      { id: 1 },
    ]);
  });

  test('a client that goes aborts what it asked for', async () => {
    client.write(show(1, names.endless), show(2, 'A'));
    await client.next();
    client.socket.destroy();
    await expect.poll(() => listener.seen.aborted).toEqual([names.endless]);
    await expect.poll(() => listener.connections).toBe(0);
  });
});
