import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readWith } from './secret-reading.ts';

let folder = '';
let server: Server;
let client: Socket;
let accepted: Socket;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'reading-'));
  const path = join(folder, 'socket');
  server = createServer({ pauseOnConnect: true });
  server.listen(path);
  await once(server, 'listening');
  client = createConnection(path);
  [accepted] = (await once(server, 'connection')) as [Socket];
});
afterEach(() => {
  client.destroy();
  server.close();
  rmSync(folder, { recursive: true });
});

test('what comes is handed over in the same bytes each time, to the end', async () => {
  const parts: string[] = [];
  const memory = new Set<ArrayBufferLike>();
  const socket = readWith(accepted, (chunk) => {
    parts.push(chunk.toString());
    memory.add(chunk.buffer);
  });
  for (const part of ['one', 'two', 'three']) {
    client.write(part);
    await expect.poll(() => parts.join(' ')).toMatch(new RegExp(`${part}$`, 'u'));
  }
  const closed = once(socket, 'close');
  client.end();
  await closed;
  expect(parts).toEqual(['one', 'two', 'three']);
  expect(memory.size).toBe(1);
});

test('it answers, pauses and goes on, and the accepted socket is out of it', async () => {
  let length = 0;
  const socket = readWith(accepted, (chunk) => {
    length += chunk.length;
  });
  expect(accepted.destroyed).toBe(true);
  socket.write('hello');
  expect(String(await once(client, 'data'))).toBe('hello');
  socket.pause();
  client.write(Buffer.alloc(1024 * 1024));
  await expect.poll(() => client.bytesWritten).toBe(1024 * 1024);
  expect(length).toBe(0);
  socket.resume();
  await expect.poll(() => length).toBe(1024 * 1024);
  socket.destroy();
});
