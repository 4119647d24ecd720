import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { startFakeDaemon } from '../../../../test/fixtures/fake-daemon.ts';
import { lacks } from '../../../../test/kit/needs.ts';
import { trackProcesses } from '../../../../test/kit/started.ts';
import { exec, lifeFixture, polled, stubborn, watched, type Launched } from './life-fixture.ts';

// Whose end of stdin is the end of a launch, and whose is not.

const program = fileURLToPath(
  new URL('../../../../test/fixtures/stdin-client.py', import.meta.url),
);
const life = lifeFixture();

/** Longer than the whole ladder takes. */
const late = 'sleep 2.5; echo still there; exit 5';

type Kind = 'pipe' | 'socket' | 'bun';

interface Client extends Launched {
  say(word: 'close' | 'shut'): void;
  /** All that the server wrote and how it ended, once it has. */
  readonly said: Promise<string>;
}

function client(kind: Kind, atOnce: 'open' | 'close' | 'shut', script: string): Client {
  const command = ['python3', program, kind, atOnce, ...exec, 'sh', '-c', script];
  const launched = life.start(command, { stdio: ['pipe', 'pipe', 'inherit'] });
  const { child } = launched;
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const said = once(child, 'close').then(() => text);
  return { ...launched, said, say: (word) => child.stdin?.write(`${word}\n`) };
}

describe.skipIf(lacks('linux', 'python3', 'setsid'))('within two seconds all is gone', () => {
  /** What the launch has of the two seconds; on a machine with much other work it may take more. */
  async function inTime({ named, living }: Launched, end: () => unknown): Promise<void> {
    await watched(await named);
    const began = performance.now();
    end();
    await expect.poll(living, { timeout: 10_000, interval: 10 }).toEqual([]);
    expect(performance.now() - began).toBeLessThan(2000);
  }

  test.each<Kind>(['pipe', 'socket', 'bun'])(
    'when a client closes a %s',
    { retry: 2 },
    async (kind) => {
      const launched = client(kind, 'open', stubborn);
      await inTime(launched, () => {
        launched.say('close');
      });
      expect(await launched.said).toMatch(/ended 137\n$/u);
    },
  );

  test('when a Node client closes its stream', { retry: 2 }, async () => {
    const launched = life.launch(stubborn);
    await inTime(launched, () => launched.child.stdin?.end());
    expect(await launched.ended).toBe(137);
  });

  test(
    'when a client closes stdin after a signal, to which there would be more time',
    { retry: 2 },
    async () => {
      const launched = life.launch(stubborn);
      await launched.named;
      launched.child.kill('SIGINT');
      await inTime(launched, () => launched.child.stdin?.end());
      expect(await launched.ended).toBe(137);
    },
  );

  test.each<[Kind, 'open' | 'close' | 'shut', string]>([
    ['pipe', 'open', 'that had closed nothing'],
    ['socket', 'open', 'that had closed nothing'],
    ['bun', 'open', 'that had closed nothing'],
    ['socket', 'close', 'that had closed stdin at once'],
    ['bun', 'close', 'that had closed stdin at once'],
    ['socket', 'shut', 'that had ended stdin at once and held it'],
  ])('when a client is killed (%s, %s: %s)', async (kind, atOnce) => {
    const { child, named, living } = client(kind, atOnce, stubborn);
    expect(await named).toEqual(living());
    child.kill('SIGKILL');
    await expect.poll(living, polled).toEqual([]);
  });
});

test.skipIf(lacks('linux', 'python3')).each<Kind>(['pipe', 'socket', 'bun'])(
  'a client that is killed before there is a server leaves none (%s)',
  async (kind) => {
    const server = trackProcesses();
    const killed = trackProcesses();
    const daemon = await startFakeDaemon({
      home: life.folder,
      values: { '$<T>': 'v' },
      beforeValues: () => {
        killed.signal('SIGKILL');
        while (killed.living().length > 0);
      },
    });
    try {
      const pid = join(life.folder, 'pid');
      const script = `trap '' TERM HUP INT PIPE; echo $$ >'${pid}'; while :; do sleep 0.05; done`;
      const words = [...exec.slice(0, -1), '--env', 'T=$<T>', '--', 'sh', '-c', script];
      const { child } = life.start(['python3', program, kind, 'open', ...words]);
      killed.add(child.pid ?? 0);
      await expect.poll(() => existsSync(pid) && readFileSync(pid, 'utf8'), polled).toMatch(/\n/u);
      server.add(Number(readFileSync(pid, 'utf8')));
      await expect.poll(server.living, polled).toEqual([]);
    } finally {
      server.kill();
      await daemon.stop();
    }
  },
);

describe.skipIf(lacks('linux', 'python3'))('the server goes on', () => {
  // All at once, since each takes longer than a server that is ended.
  test('when stdin ended before there was a server, or while somebody listens', async () => {
    const clients: Record<string, Client> = {
      'a socket that was closed before': client('socket', 'close', late),
      'a pipe that was closed before': client('pipe', 'close', late),
      'a socket of Bun that was closed before': client('bun', 'close', late),
      'a socket that was shut for writing, as execFileSync does': client('socket', 'shut', late),
    };
    for (const [what, { said }] of Object.entries(clients)) {
      expect(`${what}: ${await said}`).toBe(`${what}: still there\nended 5\n`);
    }
  });

  test('when its client shuts a socket for writing later, and still listens', async () => {
    const { say, said, named } = client('socket', 'open', `echo pids $$; cat; ${late}`);
    await named;
    say('shut');
    expect(await said).toMatch(/still there\nended 5\n$/u);
  });

  test.each([0, 1_000_000])('under execFileSync that gives it %d bytes', (length) => {
    const [node, ...args] = [...exec, 'sh', '-c', 'cat; sleep 2.5; echo still there'];
    const input = 'x'.repeat(length);
    const options = { env: life.env, ...(length === 0 ? {} : { input }) };
    const stdout = execFileSync(node ?? '', args, options).toString();
    expect(stdout === `${input}still there\n`, stdout.slice(-20)).toBe(true);
  });

  test('when its stdin is of no client', async () => {
    const server = [...exec, 'sh', '-c', `cat >/dev/null 2>&1; ${late}`];
    const path = join(life.folder, 'stdin');
    writeFileSync(path, 'x\n');
    const file = openSync(path, 'r');
    const launched: Record<string, Launched> = {
      'a file': life.start(server, { stdio: [file, 'ignore', 'inherit'] }),
      '/dev/null': life.start(server),
      'a pipe from another program': life.start([
        'sh',
        '-c',
        'cat /dev/null | "$@"',
        'sh',
        ...server,
      ]),
      closed: life.start(['sh', '-c', 'exec "$@" <&-', 'sh', ...server]),
    };
    closeSync(file);
    for (const [what, { ended }] of Object.entries(launched)) {
      expect(`${what}: ${await ended}`).toBe(`${what}: 5`);
    }
  });
});
