import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { lacks } from '../../../test/kit/needs.ts';
import { systemClock } from './clock.ts';
import { createShow } from './desktop.ts';
import { findSessionBus } from './session-bus.ts';
import { fakeClock } from './testing/fake-clock.ts';

const fixture = fileURLToPath(
  new URL('../../../test/fixtures/notification-server.py', import.meta.url),
);
const notification = {
  summary: 'A summary',
  body: `A line with 'quotes', a back\\slash \\n and &lt;markup&gt;, “ü”\nand another`,
};

let folder: string;
let path: string;
const children: { readonly child: ChildProcess; readonly closed: Promise<unknown> }[] = [];

/** A program of the test's own, once it has said this. */
async function start(
  command: string,
  args: readonly string[],
  says: string,
): Promise<() => string> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  children.push({ child, closed: once(child, 'close') });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += String(chunk);
  });
  await expect.poll(() => output, { timeout: 10_000 }).toContain(says);
  return () => output;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'broker-bus-'));
  path = join(folder, 'bus');
});
afterEach(async () => {
  for (const { child, closed } of children.splice(0)) {
    child.kill();
    await closed;
  }
  rmSync(folder, { recursive: true });
  vi.unstubAllEnvs();
});

const startBus = (): Promise<unknown> =>
  start(
    'dbus-daemon',
    ['--session', '--nofork', `--address=unix:path=${path}`, '--print-address'],
    path,
  );

describe.skipIf(lacks('dbus-daemon', 'gdbus', 'notify-send', 'python3'))(
  'on a real session bus',
  () => {
    test.each(['gdbus', 'notify-send'])(
      '%s shows the text as it is, without buttons',
      async (tool) => {
        await startBus();
        const shown = await start('python3', [fixture, path], 'ready');
        await createShow(systemClock, tool)(`unix:path=${path}`, notification);
        const [, line = ''] = shown().split('\n');
        expect(JSON.parse(line)).toMatchObject({ app: 'MCP Broker', ...notification, actions: [] });
      },
    );

    test.each(['gdbus', 'notify-send'])('%s fails where nobody shows anything', async (tool) => {
      await startBus();
      await expect(
        createShow(systemClock, tool)(`unix:path=${path}`, notification),
      ).rejects.toThrow(`${tool} failed`);
    });
  },
);

test.skipIf(lacks('gdbus'))('a bus that does not answer is given up', async () => {
  const server = createServer();
  server.listen(path);
  await once(server, 'listening');
  const clock = fakeClock();
  const shown = createShow(clock)(`unix:path=${path}`, notification);
  await once(server, 'connection');
  clock.pass(5000);
  await expect(shown).rejects.toThrow('failed');
  expect(clock.timers).toBe(0);
  server.close();
});

test('a machine without such a tool says so', async () => {
  await expect(createShow(systemClock, 'none')('unix:path=/bus', notification)).rejects.toThrow(
    'neither gdbus nor notify-send is installed',
  );
});

test.each<[title: string, ours: string | undefined, configured: string | undefined, bus: unknown]>([
  ['our environment first', 'unix:path=/a', 'unix:path=/b', 'unix:path=/a'],
  ['then the config', undefined, 'unix:abstract=/b,guid=1', 'unix:abstract=/b,guid=1'],
  ['no address that starts a program', 'unixexec:path=/bin/evil', undefined, undefined],
  ['none that is found by starting one', 'autolaunch:', undefined, undefined],
  ['no list in which one could hide', 'unix:path=/a;unixexec:path=/b', undefined, undefined],
  ['none of the network', undefined, 'tcp:host=localhost,port=1', undefined],
])('the session bus: %s', (_title, ours, configured, bus) => {
  vi.stubEnv('DBUS_SESSION_BUS_ADDRESS', ours);
  expect(findSessionBus(configured)).toBe(bus);
});
