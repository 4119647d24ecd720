import { expect, test } from 'vitest';

import { readLent } from './service-manager.ts';

const lends = { LISTEN_PID: '42', LISTEN_FDS: '1' };

test.each<[what: string, environment: Record<string, string>, socket: number | undefined]>([
  ['one socket for us', lends, 3],
  ['no socket', { LISTEN_PID: '42', LISTEN_FDS: '0' }, undefined],
  ['a socket for the process that started us', { ...lends, LISTEN_PID: '41' }, undefined],
  ['a socket for nobody in particular', { LISTEN_FDS: '1' }, undefined],
  ['a pid that is written in another way', { ...lends, LISTEN_PID: '042' }, undefined],
  ['nothing', {}, undefined],
])('%s', (_what, environment, socket) => {
  expect(readLent(environment, 42)).toEqual({ socket, notify: undefined });
});

test.each(['2', '-1', 'x', ''])('LISTEN_FDS=%s is refused', (count) => {
  expect(() => readLent({ ...lends, LISTEN_FDS: count }, 42)).toThrow(
    expect.objectContaining({ code: 'ERR_CONFIG', hint: expect.any(String) as string }) as Error,
  );
});

test.each([
  ['/run/user/1/notify', '/run/user/1/notify'],
  ['@abstract', '@abstract'],
  ['vsock:2:1', undefined],
  ['', undefined],
])('NOTIFY_SOCKET=%s', (given, notify) => {
  expect(readLent({ NOTIFY_SOCKET: given }, 42).notify).toBe(notify);
});
