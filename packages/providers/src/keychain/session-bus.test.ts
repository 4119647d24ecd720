import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isBusSpeaking } from './session-bus.ts';

const cases: readonly (readonly [string, (socket: Socket) => void, boolean])[] = [
  ['a bus', (socket) => socket.write('OK 0123456789abcdef\r\n'), true],
  ['one that refuses', (socket) => socket.write('REJECTED EXTERNAL\r\n'), false],
  ['one that hangs up', (socket) => socket.end(), false],
];

test.each(cases)('%s', async (_title, answer, expected) => {
  const folder = mkdtempSync(join(tmpdir(), 'bus-'));
  // An address escapes what is not plain, such as the equals sign.
  const server = createServer((socket) => {
    socket.once('data', (said: Buffer) => {
      expect(said.toString('latin1')).toMatch(/^\0AUTH EXTERNAL [0-9a-f]+\r\n$/u);
      answer(socket);
    });
  }).listen(join(folder, 'a=b'));
  await once(server, 'listening');
  try {
    const { signal } = new AbortController();
    const address = `unix:path=${folder}/a%3db,guid=0123`;
    expect(await isBusSpeaking(address, signal)).toBe(expected);
    expect(await isBusSpeaking(`unix:path=${folder}/none`, signal)).toBe(false);
    expect(await isBusSpeaking('tcp:host=127.0.0.1,port=1', signal)).toBe(false);
    await expect(isBusSpeaking(address, AbortSignal.abort('late'))).rejects.toBe('late');
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
});
