import { ClientConnection } from './connection.ts';
import type { Client, ConnectOptions } from './client.ts';
import { BrokerError } from '@mcp-broker/providers/errors';
import type { Paths } from '../paths.ts';
import { startDaemon } from './start-daemon.ts';
import { checkFolders, checkPathLength, requirePrivate, statSocket } from '../socket-folder.ts';

export type { CallExtras, Client, ConnectOptions, DaemonProgram, Reply } from './client.ts';
export { daemonArguments } from './daemon-arguments.ts';
export { systemClock } from '../clock.ts';
export { daemonEnvironment } from '../daemon-environment.ts';
export { holdProgram, type HeldProgram } from '../program/hold-program.ts';
export { defaultHome, expandTilde, locatePaths, type PathOptions, type Paths } from '../paths.ts';

/**
 * Connects, after it has seen that folders and socket are ours (owner, mode, kind); starts the daemon
 * if it may. The hello goes out with the first request, which does not wait for its answer.
 *
 * Throws `ERR_DAEMON_UNREACHABLE`, `ERR_FOREIGN_SOCKET`, `ERR_INSECURE_FILE`, `ERR_PATH_TOO_LONG`, and
 * what keeps the daemon from starting, such as `ERR_NO_HOME` and `ERR_CONFIG`.
 */
export async function connect(paths: Paths, options: ConnectOptions = {}): Promise<Client> {
  checkPathLength(paths.socket);
  const attempt = (): Promise<Client | undefined> => open(paths, options.client);
  const client = await attempt();
  if (client !== undefined) return client;
  if (options.start === undefined) {
    throw new BrokerError('ERR_DAEMON_UNREACHABLE', `no daemon serves ${paths.home}`, {
      hint: 'mcp daemon start',
      retryable: true,
    });
  }
  return startDaemon(paths, options.start, attempt);
}

/** Undefined when nobody listens. */
async function open(paths: Paths, claim: string | undefined): Promise<Client | undefined> {
  if (!checkFolders(paths)) return undefined;
  const stats = statSocket(paths.socket);
  if (stats === undefined) return undefined;
  requirePrivate(paths.socket, stats);
  const connection = new ClientConnection(paths.socket, claim);
  return (await connection.opened) ? connection : undefined;
}
