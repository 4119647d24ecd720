import { connect, systemClock, type Client, type Paths } from '@mcp-broker/daemon/client';

/** How long the daemon may keep our exit waiting. */
const patienceMs = 200;
const firstRetryMs = 100;
const longestRetryMs = 5000;

/** What the daemon is told of a server, for as long as it runs. */
export interface Told {
  started(pid: number): void;
  /** Resolves when the daemon knows, or does not answer. */
  ended(exit: number): Promise<void>;
}

/**
 * Keeps the connection: when we are killed, the daemon ends what we leave. A daemon that has restarted is
 * found again; none is started.
 */
export function tellDaemon(first: Client, paths: Paths, launch: string): Told {
  let client = first;
  let pid: number | undefined;

  const register = (): void => {
    if (pid === undefined) return;
    client.call('launch.started', { launch, pid }).catch(() => undefined);
  };
  const follow = (): void => {
    client.closed.catch(() => {
      findAgain(firstRetryMs);
    });
  };
  const findAgain = (afterMs: number): void => {
    systemClock.after(afterMs, () => {
      connect(paths, { client: 'mcp exec' }).then(
        (found) => {
          client = found;
          register();
          follow();
        },
        () => {
          findAgain(Math.min(2 * afterMs, longestRetryMs));
        },
      );
    });
  };

  return {
    started(server) {
      pid = server;
      register();
      follow();
    },
    async ended(exit) {
      const told = client.call('launch.ended', { launch, exit }).catch(() => undefined);
      const over = new Promise<void>((resolve) => {
        systemClock.after(patienceMs, resolve);
      });
      await Promise.race([told, over]);
    },
  };
}
