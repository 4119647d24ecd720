import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connect } from '../client/index.ts';
import {
  hello,
  names,
  rawClient,
  show,
  startTestListener,
  temporaryHome,
  type TestListener,
} from './fixture.ts';
import { locatePaths, type Paths } from '../paths.ts';

let home: ReturnType<typeof temporaryHome>;
let paths: Paths;
let listener: TestListener | undefined;

beforeEach(() => {
  home = temporaryHome();
  ({ paths } = home);
});
afterEach(async () => {
  await listener?.stop(0);
  listener = undefined;
  home.remove();
});

async function start(): Promise<TestListener> {
  listener = await startTestListener(paths);
  return listener;
}

/** What the listener and the client say of a home. */
async function bothRefuse(): Promise<unknown[]> {
  return (await Promise.allSettled([start(), connect(paths)])).map((outcome) =>
    outcome.status === 'rejected' ? outcome.reason : outcome.value,
  );
}

function insecure(message: RegExp): unknown[] {
  const error = { code: 'ERR_INSECURE_FILE', message: expect.stringMatching(message) as string };
  return [error, error];
}

const isRoot = process.geteuid?.() === 0;

test('the folder is 0700 and the socket 0600 whatever the umask, and nothing else lies there', async () => {
  const before = process.umask(0);
  try {
    await start();
    expect(process.umask()).toBe(0);
  } finally {
    process.umask(before);
  }
  expect(lstatSync(paths.run).mode & 0o7777).toBe(0o700);
  expect(lstatSync(paths.socket).mode & 0o7777).toBe(0o600);
  expect(readdirSync(paths.run)).toEqual(['broker.sock']);
});

test('folders of another environment are made as well', async () => {
  paths = locatePaths({ home: paths.home, config: join(paths.home, 'other.yaml') });
  await start();
  expect(lstatSync(join(paths.home, 'env')).mode & 0o7777).toBe(0o700);
  expect(lstatSync(paths.state).mode & 0o7777).toBe(0o700);
});

test('a home that is not there is not made', async () => {
  rmSync(paths.home, { recursive: true });
  await expect(start()).rejects.toMatchObject({ code: 'ERR_NO_HOME', hint: 'mcp init' });
});

test('a path of 100 bytes is served and one of 101 refused on both sides', async () => {
  const fill = (bytes: number): Paths => {
    const length = bytes - Buffer.byteLength(paths.home) - '//run/broker.sock'.length;
    return locatePaths({ home: join(paths.home, 'x'.repeat(length)) });
  };
  const long = fill(101);
  await expect(startTestListener(long)).rejects.toMatchObject({ code: 'ERR_PATH_TOO_LONG' });
  await expect(connect(long)).rejects.toMatchObject({ code: 'ERR_PATH_TOO_LONG' });
  paths = fill(100);
  mkdirSync(paths.home, { mode: 0o700 });
  await start();
  const client = await connect(paths);
  client.close();
});

describe.each([
  ['the home', (): string => paths.home],
  ['the run folder', (): string => paths.run],
])('A14: %s', (_name, folder) => {
  beforeEach(() => {
    mkdirSync(paths.run, { recursive: true, mode: 0o700 });
  });

  test.each(['701', '710', '720', '777'])('is refused with mode 0%s', async (mode) => {
    chmodSync(folder(), Number.parseInt(mode, 8));
    expect(await bothRefuse()).toMatchObject(insecure(/can be reached by other users/u));
  });

  test('is refused as a symbolic link', async () => {
    const elsewhere = temporaryHome();
    mkdirSync(elsewhere.paths.run);
    rmSync(folder(), { recursive: true });
    symlinkSync(folder() === paths.home ? elsewhere.paths.home : elsewhere.paths.run, folder());
    expect(await bothRefuse()).toMatchObject(insecure(/is a symbolic link/u));
    rmSync(folder());
    elsewhere.remove();
  });

  test('is refused as a file', async () => {
    rmSync(folder(), { recursive: true });
    writeFileSync(folder(), '');
    expect(await bothRefuse()).toMatchObject(insecure(/is a file, not a folder/u));
  });

  test.runIf(isRoot)('is refused when it belongs to someone else (needs root)', async () => {
    chownSync(folder(), 65_534, 65_534);
    expect(await bothRefuse()).toMatchObject(insecure(/belongs to another user/u));
  });
});

describe('A14: in the place of the socket', () => {
  beforeEach(() => {
    mkdirSync(paths.run, { mode: 0o700 });
  });

  test.each([
    ['a file', (): unknown => writeFileSync(paths.socket, ''), /is a file, not a socket/u],
    ['a folder', (): unknown => mkdirSync(paths.socket), /is a folder, not a socket/u],
    ['a pipe', (): unknown => spawnSync('mkfifo', [paths.socket]), /is a pipe, not a socket/u],
    ['a link', (): void => symlinkSync('/dev/null', paths.socket), /is a symbolic link/u],
    ['a dangling link', (): void => symlinkSync('nowhere', paths.socket), /is a symbolic link/u],
  ])('%s is refused on both sides and left there', async (_name, put, message) => {
    put();
    const before = lstatSync(paths.socket).ino;
    expect(await bothRefuse()).toMatchObject(insecure(message));
    expect(lstatSync(paths.socket).ino).toBe(before);
  });

  test('a link to a living socket is refused on both sides', async () => {
    const other = temporaryHome();
    const squatter = await startTestListener(other.paths);
    symlinkSync(other.paths.socket, paths.socket);
    expect(await bothRefuse()).toMatchObject(insecure(/is a symbolic link/u));
    await squatter.stop(0);
    other.remove();
  });

  test('a server that answers stays', async () => {
    const squatter = createServer();
    squatter.listen(paths.socket);
    await once(squatter, 'listening');
    await expect(start()).rejects.toMatchObject({ code: 'ERR_FOREIGN_SOCKET' });
    expect(readdirSync(paths.run)).toEqual(['broker.sock']);
    squatter.close();
  });

  test.runIf(isRoot)("another user's socket is refused on both sides (needs root)", async () => {
    const squatter = createServer();
    squatter.listen(paths.socket);
    await once(squatter, 'listening');
    chownSync(paths.socket, 65_534, 65_534);
    expect(await bothRefuse()).toMatchObject([
      { code: 'ERR_FOREIGN_SOCKET' },
      { code: 'ERR_FOREIGN_SOCKET' },
    ]);
    squatter.close();
  });

  test('a stale socket is taken over, even one that was left open to all', async () => {
    leaveStaleSocket(paths.socket);
    chmodSync(paths.socket, 0o777);
    await start();
    expect(lstatSync(paths.socket).mode & 0o777).toBe(0o600);
    const client = rawClient(paths.socket);
    client.write(hello);
    await expect(client.next()).resolves.toMatchObject({ message: { id: 0 } });
    client.socket.destroy();
  });

  test('what a daemon that was killed left beside it is removed', async () => {
    leaveStaleSocket(join(paths.run, `new.${process.pid}`));
    await start();
    expect(readdirSync(paths.run)).toEqual(['broker.sock']);
  });
});

describe('each minute', () => {
  test('the listener finds that the socket is still its own', async () => {
    const { clock, seen } = await start();
    for (let minute = 0; minute < 3; minute += 1) {
      clock.pass(60_000);
      await expect.poll(() => listener?.connections).toBe(0);
      // The next check is set once this one has ended; the hello deadline of its own connection too.
      await expect.poll(() => clock.timers).toBe(1);
    }
    expect(seen.lost).toBe(0);
  });

  test.each([
    ['is removed', (): void => rmSync(paths.socket)],
    [
      'is a file now',
      (): void => {
        rmSync(paths.socket);
        writeFileSync(paths.socket, '');
      },
    ],
    [
      'is another stale socket now',
      (): void => {
        rmSync(paths.socket);
        leaveStaleSocket(paths.socket);
      },
    ],
    ['has moved', (): void => renameSync(paths.socket, `${paths.socket}.old`)],
  ])('the listener tells that the socket %s', async (_name, lose) => {
    const { clock, seen } = await start();
    lose();
    clock.pass(60_000);
    await expect.poll(() => seen.lost).toBe(1);
  });

  test("the listener tells that another daemon took the path, and leaves that one's socket", async () => {
    const first = await start();
    rmSync(paths.socket);
    const second = await startTestListener(paths);
    first.clock.pass(60_000);
    await expect.poll(() => first.seen.lost).toBe(1);
    await first.stop(0);
    const client = rawClient(paths.socket);
    client.write(hello);
    await expect(client.next()).resolves.toMatchObject({ message: { id: 0 } });
    client.socket.destroy();
    await second.stop(0);
  });
});

describe('stop', () => {
  test('lets a request under way end, takes no further one, and removes the socket', async () => {
    const { clock } = await start();
    const client = rawClient(paths.socket);
    client.write(hello, show(1, names.endless));
    await client.next();
    await expect.poll(() => listener?.connections).toBe(1);
    const stopped = listener?.stop(5000);
    expect(readdirSync(paths.run)).toEqual([]);
    client.write(show(2, 'A'));
    await expect(client.next()).resolves.toMatchObject({
      message: { id: 2, error: { data: { code: 'ERR_DAEMON_UNREACHABLE' } } },
    });
    client.write({ jsonrpc: '2.0', method: 'request.cancel', params: { id: 1 } });
    await expect(client.next()).resolves.toMatchObject({
      message: { id: 1, error: { data: { code: 'ERR_ABORTED' } } },
    });
    await stopped;
    await expect(client.rest()).resolves.toEqual([]);
    expect(clock.timers).toBe(0);
  });

  test('waits for its grace and no longer', async () => {
    const { clock, seen } = await start();
    const client = rawClient(paths.socket);
    client.write(hello, show(1, names.endless));
    await client.next();
    const stopped = listener?.stop(5000);
    clock.pass(5000);
    await stopped;
    expect(seen.aborted).toEqual([names.endless]);
    await expect(client.rest()).resolves.toEqual([]);
  });

  test('twice is stop once', async () => {
    await start();
    await Promise.all([listener?.stop(0), listener?.stop(0)]);
    await expect(connect(paths)).rejects.toMatchObject({ code: 'ERR_DAEMON_UNREACHABLE' });
  });
});

/** A socket whose process was killed. */
function leaveStaleSocket(path: string): void {
  const script = `import socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1])`;
  spawnSync('python3', ['-c', script, path]);
  expect(lstatSync(path).isSocket()).toBe(true);
}
