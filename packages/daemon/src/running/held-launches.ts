import type { Connection } from '../listener/handler.ts';

/** Which connection each launch is held by: while that is there, its wrapper is. */
export interface HeldLaunches {
  has(launch: string): boolean;
  by(launch: string): Connection | undefined;
  /** From now on by this connection. */
  hold(launch: string, connection: Connection): void;
  letGo(launch: string): void;
}

/** `onLost` is called once a connection that held launches has gone. */
export function createHeldLaunches(onLost: () => void): HeldLaunches {
  const held = new Map<string, Connection>();
  const byConnection = new Map<Connection, Set<string>>();

  const ofConnection = (connection: Connection): Set<string> => {
    const before = byConnection.get(connection);
    if (before !== undefined) return before;
    const launches = new Set<string>();
    byConnection.set(connection, launches);
    connection.onClose(() => {
      byConnection.delete(connection);
      for (const each of launches) held.delete(each);
      if (launches.size > 0) onLost();
    });
    return launches;
  };

  const letGo = (launch: string): void => {
    const connection = held.get(launch);
    held.delete(launch);
    if (connection !== undefined) byConnection.get(connection)?.delete(launch);
  };

  return {
    has: (launch) => held.has(launch),
    by: (launch) => held.get(launch),
    hold(launch, connection) {
      if (held.get(launch) === connection) return;
      letGo(launch);
      held.set(launch, connection);
      ofConnection(connection).add(launch);
    },
    letGo,
  };
}
