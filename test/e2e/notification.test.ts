import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createHome, expectSuccess, type Home } from '../kit/home.ts';
import { lacks } from '../kit/needs.ts';
import type { Ended } from '../kit/run.ts';

const fixture = fileURLToPath(new URL('../fixtures/notification-server.py', import.meta.url));

describe.skipIf(lacks('dbus-daemon', 'gdbus', 'python3'))('a pending request', () => {
  let home: Home;
  let bus: string;
  let value: string;
  const children: { readonly child: ChildProcess; readonly closed: Promise<unknown> }[] = [];
  let mute: Server | undefined;

  beforeAll(async () => {
    home = await createHome({ kind: 'identity' });
    value = 'canary of the notification';
    await home.set('TOKEN', value);
    bus = join(home.folder, 'bus');
  }, 60_000);
  afterEach(async () => {
    for (const { child, closed } of children.splice(0)) {
      child.kill();
      await closed;
    }
    mute?.close();
    mute = undefined;
  });
  afterAll(async () => {
    await home.remove();
  });

  async function start(
    program: string,
    args: readonly string[],
    says: string,
  ): Promise<() => string> {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    children.push({ child, closed: once(child, 'close') });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await expect.poll(() => output, { timeout: 10_000 }).toContain(says);
    return () => output;
  }

  /** A daemon whose starter has a session bus. */
  async function restart(notify: boolean): Promise<void> {
    const file = join(home.broker, 'config.yaml');
    const text = readFileSync(file, 'utf8').replace(/^ {2}notify:.*\n/mu, '');
    writeFileSync(file, text.replace(/^settings:\n/mu, `settings:\n  notify: ${notify}\n`));
    expectSuccess(await home.mcp(['daemon', 'stop']));
    const env = { DBUS_SESSION_BUS_ADDRESS: `unix:path=${bus}` };
    expectSuccess(await home.mcp(['daemon', 'start'], { env }));
  }

  const launch = (name: string): Promise<Ended> =>
    home.mcp([
      'exec',
      '--server',
      'a <b>server</b>',
      '--env',
      `${name}=$<TOKEN>`,
      '--',
      '/bin/true',
    ]);

  test('is shown on the desktop where the config says so, with what to type and no value', async () => {
    await start(
      'dbus-daemon',
      ['--session', '--nofork', `--address=unix:path=${bus}`, '--print-address'],
      bus,
    );
    const shown = await start('python3', [fixture, bus], 'ready');

    await restart(false);
    expect((await launch('OFF')).code).toBe(77);
    await restart(true);
    const { code, stderr } = await launch('ON');
    expect(code).toBe(77);
    const command = /in a terminal: (.*)$/mu.exec(stderr)?.[1] ?? 'no command';

    await expect.poll(shown, { timeout: 10_000 }).toContain('summary');
    const notifications = shown().trimEnd().split('\n').slice(1);
    expect(notifications).toHaveLength(1);
    const { body, actions } = JSON.parse(notifications[0] ?? '') as Record<string, string>;
    expect(body).toContain('“a &lt;b&gt;server&lt;/b&gt;”');
    expect(body).toContain(`\nIn a terminal: ${command}`);
    expect(actions).toEqual([]);
    expect(shown()).not.toContain(value);
  });

  test('is answered as fast by a daemon whose session bus says nothing', async () => {
    mute = createServer().listen(bus);
    await once(mute, 'listening');
    await restart(true);
    const tried = once(mute, 'connection');
    const began = performance.now();
    expect((await launch('MUTE')).code).toBe(77);
    // The tool is given up after five seconds; nobody waited for it.
    expect(performance.now() - began).toBeLessThan(4000);
    await tried;
    expect((await home.mcp(['daemon', 'logs'])).stdout).not.toContain(value);
  });
});
