import { createServer } from 'node:net';
import { Connections } from './connections.ts';
import type { ListenerOptions } from './handler.ts';
import { adoptSocket, bindSocket } from './own-socket.ts';
import { checkPathLength, openFolders } from '../socket-folder.ts';

export interface Listener {
  readonly connections: number;
  /** Stops accepting, lets requests under way end (for at most `graceMs`), removes the socket if it is still ours. */
  stop(graceMs: number): Promise<void>;
}

const checkEveryMs = 60_000;

/**
 * Checks folder and path, removes a stale socket, binds under umask 0177 and listens; or listens on the
 * socket that it is lent, which it asks for its owner at once. Throws
 * `ERR_NO_HOME`, `ERR_INSECURE_FILE`, `ERR_FOREIGN_SOCKET` and `ERR_PATH_TOO_LONG`. The umask is the
 * whole process's: no file may be made at the same time.
 */
export async function startListener(options: ListenerOptions): Promise<Listener> {
  const { paths, clock } = options;
  checkPathLength(paths.socket);
  openFolders(paths);
  const connections = new Connections(options);
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    connections.add(socket);
  });
  const { lent } = options;
  const own = await (
    lent === undefined
      ? bindSocket(server, paths.socket)
      : adoptSocket(server, paths.socket, lent, options.platform)
  ).catch((error: unknown) => {
    server.close();
    throw error;
  });
  // Too many open files, say: the connection is lost, the listener is not.
  server.on('error', () => undefined);

  let cancelCheck: (() => void) | undefined;
  const checkLater = (ms = checkEveryMs): void => {
    cancelCheck = clock.after(ms, () => {
      void own.check(clock).then((verdict) => {
        if (stopped !== undefined) return;
        if (verdict === 'lost') options.onLost();
        else checkLater();
      });
    });
  };
  let stopped: Promise<void> | undefined;
  checkLater(lent === undefined ? checkEveryMs : 0);

  async function stop(graceMs: number): Promise<void> {
    cancelCheck?.();
    own.remove();
    const closed = new Promise<void>((resolve) => {
      server.close(() => {
        resolve();
      });
    });
    await connections.drain(graceMs);
    await closed;
  }

  return {
    get connections() {
      return connections.size;
    },
    stop: (graceMs) => (stopped ??= stop(graceMs)),
  };
}
