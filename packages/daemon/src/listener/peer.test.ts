import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
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
import { admitPeer, peerLoss, type Admission, type Entrance } from './peer.ts';
import type { Namespaces } from '../platform/index.ts';
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
async function run(role: 'nobody' | 'grandchild' | 'handed-on' | 'lent'): Promise<string> {
  const bytes = Buffer.concat([hello, show(1, 'A')].map((one) => encode(one)));
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
  'B1: another user is turned away without a word though the modes let him in (needs root)',
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

test('B3: a grandchild with the descriptor of a process that has gone is turned away', async () => {
  const { refusals } = await start();
  expect(await run('grandchild')).toBe('connected\nparent has gone\n');
  expect(refusals).toMatchObject([{ uid, reason: 'the process that connected has gone' }]);
});

test('B3: a descriptor that was sent to another process is of no use there once its process has gone', async () => {
  const { refusals } = await start();
  expect(await run('handed-on')).toBe('connected\nchild has gone\n');
  expect(refusals).toMatchObject([{ uid, reason: 'the process that connected has gone' }]);
});

test('B3: while its process lives, what comes by it counts as of that process, whoever sends it', async () => {
  const pids: number[] = [];
  await start({
    handlers: {
      async 'secret.show'(_params: object, { peer }: { peer: { pid: number } }) {
        pids.push(peer.pid);
        return { result: { name: 'A' } };
      },
    } as unknown as ListenerOptions['handlers'],
  });
  const output = await run('lent');
  const child = Number(/^child is (\d+)$/mu.exec(output)?.[1]);
  expect(output).toContain('"result":{"name":"A"}');
  expect(pids).toEqual([child]);
});

test('B2: a peer of another pid namespace is turned away', async () => {
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

test('B3: a pid that went to another process gets no answer, and the values for it are wiped', async () => {
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
  expect(admitPeer(platform, 0, entrance())).toMatchObject({ refusal: { pid: 42 } });
  expect(peerLoss(platform, { pid: 42, uid, startTime: '1' })).toMatch(/has gone/u);
});

test('B3: a process that ended is turned away though another has its pid by now', () => {
  const platform = platformWith({ startTime: () => '1', holdPeer: () => ended });
  expect(
    admitPeer({ ...platform, peerCredentials: () => ({ pid: 42, uid }) }, 0, entrance()),
  ).toMatchObject({ refusal: { pid: 42, reason: 'the process that connected has gone' } });
});

const ended = { ended: true, release: () => {} };
const ours: Namespaces = { user: 'u', pid: 'p', mount: 'm' };

function entrance(changes: Partial<Entrance> = {}): Entrance {
  const allows = (path: string): boolean => path === '/docker/1';
  return { uid, namespaces: ours, allows, configFile: '/c.yaml', ...changes };
}

function admit(
  theirs: Namespaces | undefined,
  controlGroup: string | undefined,
  changes?: Partial<Entrance>,
): Admission {
  const platform = platformWith({
    peerCredentials: () => ({ pid: 42, uid }),
    startTime: () => '1',
    namespaces: () => theirs,
    controlGroup: () => controlGroup,
  });
  return admitPeer(platform, 0, entrance(changes));
}

describe('a peer of other namespaces', () => {
  test.each([
    ['a user namespace of its own', { ...ours, user: 'x' }, 'another user namespace'],
    ['a pid namespace of its own', { ...ours, pid: 'x' }, 'another pid namespace'],
    ['a mount namespace of its own', { ...ours, mount: 'x' }, 'another mount namespace'],
    ['all of its own', { user: 'x', pid: 'x', mount: 'x' }, 'another user, pid, mount namespace'],
  ])('is refused with %s, and told which', (_title, theirs, message) => {
    const text = expect.stringContaining(message) as string;
    expect(admit(theirs, '/docker/2')).toMatchObject({
      refusal: { pid: 42, uid, reason: text },
      error: {
        code: 'ERR_DENIED',
        message: text,
        hint: 'add /docker/2 to settings.allow_namespaces in /c.yaml, then: mcp daemon restart',
      },
    });
  });

  test('is let in from a control group that the config names', () => {
    const theirs = { ...ours, mount: 'x' };
    expect(admit(theirs, '/docker/1')).toEqual({ peer: { pid: 42, uid, startTime: '1' } });
  });

  test.each([['/'], [undefined], ['/docker/\u001b[2J']])(
    'is not told to name the group %j',
    (group) => {
      expect(admit({ ...ours, pid: 'x' }, group)).toMatchObject({
        error: { hint: expect.stringMatching(/^run it outside of the container/u) as string },
      });
    },
  );
});

test.each<[title: string, admission: () => Admission]>([
  ['whose namespaces cannot be read', () => admit(undefined, '/docker/1')],
  ['when our own cannot be read', () => admit(ours, '/docker/1', { namespaces: undefined })],
])('a peer is refused %s, whatever its control group', (_title, admission) => {
  expect(admission()).toMatchObject({
    refusal: { reason: 'the namespaces of this process cannot be read' },
    error: { code: 'ERR_DENIED', hint: expect.stringContaining('docs/errors.md') as string },
  });
});

test('a process that ends while its namespaces are read has gone, and is in none', () => {
  let startTime: string | undefined = '1';
  const platform = platformWith({
    peerCredentials: () => ({ pid: 42, uid }),
    startTime: () => startTime,
    namespaces() {
      startTime = undefined;
      return undefined;
    },
  });
  expect(admitPeer(platform, 0, entrance())).toEqual({
    refusal: { pid: 42, uid, reason: 'the process that connected has gone' },
  });
});

test('a refused peer that goes before it is told is refused once', async () => {
  let reads = 0;
  const { refusals } = await start({
    platform: platformWith({
      peerCredentials: () => ({ pid: 42, uid }),
      // Read twice to let it in or not, and then before each word.
      startTime: () => ((reads += 1) <= 2 ? '1' : undefined),
      namespaces: (pid) => (pid === process.pid ? ours : { ...ours, pid: 'x' }),
    }),
  });
  const client = rawClient(home.paths.socket);
  client.write(hello, show(1, 'A'));
  await client.rest();
  expect(refusals).toHaveLength(1);
});

test('what a refused peer sends is not read, and it gets the reason and nothing else', async () => {
  const namespaces = (pid: number): Namespaces =>
    pid === process.pid ? ours : { ...ours, pid: 'x' };
  const { values, refusals } = await start({
    platform: platformWith({
      peerCredentials: () => ({ pid: 42, uid }),
      startTime: () => '1',
      namespaces,
    }),
  });
  const client = rawClient(home.paths.socket);
  const set = { jsonrpc: '2.0', id: 1, method: 'secret.set', params: { name: 'A' } };
  client.write(hello, encode(set, [Buffer.from('hunter2')]));
  expect((await client.rest()).map(({ message }) => message)).toMatchObject([
    { id: null, error: { data: { code: 'ERR_DENIED' } } },
  ]);
  expect(values).toEqual([]);
  expect(refusals).toHaveLength(1);
});

test('B3: a connection that outlives its process is closed within seconds, though nobody asks', async () => {
  const { clock, refusals } = await start();
  const child = spawn('python3', [fixture, 'silent-grandchild', home.paths.socket], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += String(chunk);
  });
  await expect.poll(() => output).toContain('parent has gone');
  expect(listener?.connections).toBe(1);
  clock.pass(5000);
  await once(child, 'close');
  // The hello that was answered while the first process lived, and no byte more.
  expect(output).toMatch(/^greeted\nparent has gone\nclosed\n$/u);
  expect(refusals).toMatchObject([{ reason: 'the process that connected has gone' }]);
});

/** A client that was greeted, or the error that it got instead. */
async function open(): Promise<unknown> {
  const client = rawClient(home.paths.socket);
  client.write(hello);
  return (await client.next()).message['error'] ?? client;
}

test('B5: one process may have so many connections, and all together so many', async () => {
  // The listener does not count its own process, which has to reach itself; so call it another.
  let pid = 1001;
  const { connections: _, refusals } = await start({
    platform: platformWith({
      peerCredentials: () => ({ pid, uid }),
      startTime: () => '1',
      namespaces: () => ours,
    }),
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

test('B5: no more connections are let in than there are descriptors for', async () => {
  await start({
    platform: platformWith({
      peerCredentials: () => ({ pid: 1001, uid }),
      startTime: () => '1',
      namespaces: () => ours,
      descriptorLimit: () => 390,
    }),
  });
  const clients = await Promise.all(Array.from({ length: 4 }, open));
  expect(await open()).toMatchObject({
    message: 'the daemon serves at most 4 connections',
    data: {
      code: 'ERR_PROTOCOL',
      hint: expect.stringContaining('settings.limits') as string,
      retryable: true,
    },
  });
  for (const client of clients) (client as ReturnType<typeof rawClient>).socket.destroy();
});
