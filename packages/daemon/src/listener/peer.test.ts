import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ListenerOptions } from './handler.ts';
import {
  hello,
  platformWith,
  rawClient,
  show,
  startTestListener,
  temporaryHome,
  type TestListener,
} from './fixture.ts';
import { admitPeer, peerLoss } from './peer.ts';
import { encode } from '../protocol/framing.ts';

const uid = process.geteuid?.() ?? -1;
const fixture = fileURLToPath(
  new URL('../../../../test/fixtures/strange-peers.py', import.meta.url),
);

let home: ReturnType<typeof temporaryHome>;
let listener: TestListener | undefined;

beforeEach(() => {
  home = temporaryHome();
});
afterEach(async () => {
  await listener?.stop(0);
  listener = undefined;
  home.remove();
});

async function start(options: Partial<ListenerOptions> = {}): Promise<TestListener> {
  listener = await startTestListener(home.paths, options);
  return listener;
}

/** What the fixture printed: the bytes that it got from the listener. */
async function run(role: 'nobody' | 'grandchild'): Promise<string> {
  const bytes = Buffer.concat([hello, show(1, 'A')].flatMap((one) => encode(one)));
  const child = spawn('python3', [fixture, role, home.paths.socket], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(bytes);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += String(chunk);
  });
  await once(child, 'close');
  return output;
}

test.runIf(uid === 0)(
  'another user is turned away without a word though the modes let him in (needs root)',
  async () => {
    const { refusals } = await start();
    chmodSync(home.paths.socket, 0o666);
    chmodSync(home.paths.run, 0o755);
    chmodSync(home.paths.home, 0o755);
    expect(await run('nobody')).toBe('connected\n');
    expect(refusals).toEqual([
      { pid: expect.any(Number) as number, uid: 65_534, reason: 'it runs as another user' },
    ]);
  },
);

test('a grandchild with the descriptor of a process that has gone is turned away', async () => {
  const { refusals } = await start();
  expect(await run('grandchild')).toBe('connected\nparent has gone\n');
  expect(refusals).toMatchObject([{ uid, reason: 'the process that connected has gone' }]);
});

test('a peer of another pid namespace is turned away', async () => {
  const { refusals } = await start({
    platform: platformWith({ peerCredentials: () => ({ pid: 0, uid }) }),
  });
  const client = rawClient(home.paths.socket);
  client.write(hello);
  expect(await client.rest()).toEqual([]);
  expect(refusals).toMatchObject([
    { pid: 0, reason: expect.stringContaining('namespace') as string },
  ]);
});

test('a pid that went to another process gets no answer, and the values for it are wiped', async () => {
  let startTime = '100';
  const { refusals, seen } = await start({
    platform: platformWith({ startTime: () => startTime }),
  });
  const client = rawClient(home.paths.socket);
  client.write(hello);
  await client.next();
  client.write({ jsonrpc: '2.0', id: 1, method: 'launch.take', params: { ticket: 't' } });
  await client.next();
  startTime = '200';
  client.write({ jsonrpc: '2.0', id: 2, method: 'launch.take', params: { ticket: 't' } });
  expect(await client.rest()).toEqual([]);
  expect(refusals).toMatchObject([{ reason: 'its pid belongs to another process now' }]);
  expect(seen.buffers.every((buffer) => buffer.every((byte) => byte === 0))).toBe(true);
});

test('a process that goes between question and answer gets no answer', async () => {
  let startTime: string | undefined = '100';
  const { seen, refusals } = await start({
    platform: platformWith({ startTime: () => startTime }),
    handlers: {
      'launch.take': async () => {
        startTime = undefined;
        const value = Buffer.from('hunter2');
        listener?.seen.buffers.push(value);
        return { result: { values: {} }, attachments: [value] };
      },
    } as Partial<ListenerOptions['handlers']> as ListenerOptions['handlers'],
  });
  const client = rawClient(home.paths.socket);
  client.write(hello, { jsonrpc: '2.0', id: 1, method: 'launch.take', params: { ticket: 't' } });
  const answers = await client.rest();
  expect(answers.map((answer) => answer.message)).toMatchObject([{ id: 0 }]);
  expect(seen.buffers.map((buffer) => [...buffer])).toEqual([[0, 0, 0, 0, 0, 0, 0]]);
  expect(refusals).toHaveLength(1);
});

test('a process that is gone before it is looked at is turned away', () => {
  const platform = platformWith({
    peerCredentials: () => ({ pid: 42, uid }),
    startTime: () => undefined,
  });
  expect(admitPeer(platform, 0, uid)).toMatchObject({ refusal: { pid: 42 } });
  expect(peerLoss(platform, { pid: 42, uid, startTime: '1' })).toMatch(/has gone/u);
});

/** A client that was greeted, or the error that it got instead. */
async function open(): Promise<unknown> {
  const client = rawClient(home.paths.socket);
  client.write(hello);
  return (await client.next()).message['error'] ?? client;
}

test('one process may have so many connections, and all together so many', async () => {
  // The listener does not count its own process, which has to reach itself; so call it another.
  let pid = 1001;
  const { connections: _, refusals } = await start({
    platform: platformWith({ peerCredentials: () => ({ pid, uid }), startTime: () => '1' }),
    limits: { frame: 1000, connections: 5, connectionsPerProcess: 3 },
  });
  const first = [await open(), await open(), await open()];
  expect(await open()).toMatchObject({
    message: 'the daemon serves at most 3 connections of one process',
  });
  pid = 1002;
  await expect.poll(() => listener?.connections).toBe(3);
  const second = [await open(), await open()];
  expect(await open()).toMatchObject({ message: 'the daemon serves at most 5 connections' });
  await expect.poll(() => listener?.connections).toBe(5);
  (first[0] as ReturnType<typeof rawClient>).socket.destroy();
  await expect.poll(() => listener?.connections).toBe(4);
  const third = await open();
  for (const client of [...first, ...second, third]) {
    expect(client).toHaveProperty('socket');
    (client as ReturnType<typeof rawClient>).socket.destroy();
  }
  expect(refusals).toEqual([]);
});
