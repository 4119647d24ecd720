import { chmodSync, chownSync, renameSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createHome, expectSuccess, type Home } from '../kit/home.ts';
import { needs } from '../kit/needs.ts';

// Another program listens where the daemon should.

let home: Home;
let squatter: Server;
let heard = '';
const socket = (): string => join(home.broker, 'run', 'broker.sock');

beforeAll(async () => {
  home = await createHome({ kind: 'sealed' });
}, 60_000);
afterAll(async () => {
  await home.remove();
});
afterEach(async () => {
  if (!squatter.listening) return;
  squatter.close();
  await once(squatter, 'close');
});

async function squat(): Promise<void> {
  heard = '';
  squatter = createServer((connection) => {
    connection.on('error', () => undefined);
    connection.on('data', (chunk) => {
      const said = chunk.toString();
      heard += said;
      for (const [, id, method] of said.matchAll(/"id":(\d+),"method":"(broker\.\w+)"/gu)) {
        const result =
          method === 'broker.hello'
            ? { protocol: 1, version: '1', pid: 1 }
            : { keys: { source: 'sealed', state: 'locked' }, backends: [] };
        connection.write(`${JSON.stringify({ jsonrpc: '2.0', id: Number(id), result })}\n`);
      }
      if (heard.includes(home.passphrase)) connection.end();
    });
  });
  squatter.listen(socket());
  await once(squatter, 'listening');
  chmodSync(socket(), 0o600);
}

describe('A14: in the place of the daemon', () => {
  needs('root')('a program of another user is told nothing, whatever the command', async () => {
    expectSuccess(await home.mcp(['daemon', 'stop']));
    await squat();
    chownSync(socket(), 65_534, 65_534);
    for (const args of [
      ['exec', '--env', 'TOKEN=$<TOKEN>', '--', '/bin/true'],
      ['unlock', '--fd', '3'],
      ['secret', 'list'],
      ['daemon', 'start'],
    ])
      expect(await home.mcp(args, { fd3: home.passphrase })).toMatchObject({ code: 69 });
    expect(heard).toBe('');
  });

  test('a program of the same user is believed, which nothing here can stop', async () => {
    expectSuccess(await home.mcp(['daemon', 'start']));
    renameSync(socket(), `${socket()}.moved`);
    await squat();
    const ended = await home.mcp(['unlock', '--fd', '3'], { fd3: home.passphrase });
    // Which removes its socket.
    squatter.close();
    await once(squatter, 'close');
    renameSync(`${socket()}.moved`, socket());
    expect(ended.code).not.toBe(0);
    expect(heard).toContain(home.passphrase);
    // The daemon behind it is as it was, and its own again.
    expectSuccess(await home.mcp(['status']));
  });
});
