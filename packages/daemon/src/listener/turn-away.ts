import { createServer } from 'node:net';
import type { BrokerError } from '@mcp-broker/providers/errors';

import { sleep, type Clock } from '../clock.ts';
import { Connections } from './connections.ts';
import type { Handlers } from './handler.ts';
import { listenOn, requireLent } from './own-socket.ts';
import type { Paths } from '../paths.ts';
import type { Platform } from '../platform/platform.ts';
import { version } from '../version.ts';

/** So long after the last client another one may still be on its way through the queue. */
const quietMs = 100;
/** Those who come again and again would hear for ever what may long be mended: the next daemon tells them. */
const mostMs = 1000;
const graceMs = 1000;

export interface TurnAwayOptions {
  readonly paths: Paths;
  readonly platform: Platform;
  readonly clock: Clock;
  /** The descriptor of the socket that a service manager lent. */
  readonly lent: number;
}

/**
 * Tells those who wait at a lent socket why the daemon cannot start. Without that they would be left
 * there: the manager starts one daemon after the other for them, and gives up with its socket.
 */
export async function turnAway(error: BrokerError, options: TurnAwayOptions): Promise<void> {
  const { paths, platform, clock, lent } = options;
  requireLent(paths.socket, lent, platform);
  const connections = new Connections({
    paths,
    platform,
    clock,
    version,
    handlers: {} as Handlers,
    limits: { frame: 256 * 1024, connections: 1000, connectionsPerProcess: 1000 },
    closed: error,
    onRefused: () => undefined,
    onLost: () => undefined,
  });
  const began = clock.monotonic();
  let newest = began;
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    newest = clock.monotonic();
    connections.add(socket);
  });
  server.on('error', () => undefined);
  await listenOn(server, { fd: lent });
  while (clock.monotonic() - newest < quietMs && clock.monotonic() - began < mostMs) {
    await sleep(quietMs);
  }
  const closed = new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
  await connections.drain(graceMs);
  await closed;
}
