import type { Connection } from './listener/handler.ts';

/** Which connection each launch is held by: while that is there, its wrapper is. */
export interface HeldLaunches {
  has(launch: string): boolean;
  by(launch: string): Connection | undefined;
  /** From now on by this connection. `told`: its server is known. */
  hold(launch: string, connection: Connection, told: boolean): void;
  letGo(launch: string): void;
  /** The oldest launch of this connection of which no server was told, once there are so many of them. */
  untold(connection: Connection, count: number): string | undefined;
}

interface OfConnection {
  readonly launches: Set<string>;
  /** The oldest first. */
  readonly untold: Set<string>;
}

/** `onLost` is called once a connection that held launches has gone. */
export function createHeldLaunches(onLost: () => void): HeldLaunches {
  const held = new Map<string, Connection>();
  const byConnection = new Map<Connection, OfConnection>();

  const ofConnection = (connection: Connection): OfConnection => {
    const before = byConnection.get(connection);
    if (before !== undefined) return before;
    const its: OfConnection = { launches: new Set(), untold: new Set() };
    byConnection.set(connection, its);
    connection.onClose(() => {
      byConnection.delete(connection);
      for (const each of its.launches) held.delete(each);
      if (its.launches.size > 0) onLost();
    });
    return its;
  };

  const letGo = (launch: string): void => {
    const connection = held.get(launch);
    const its = connection === undefined ? undefined : byConnection.get(connection);
    held.delete(launch);
    its?.launches.delete(launch);
    its?.untold.delete(launch);
  };

  return {
    has: (launch) => held.has(launch),
    by: (launch) => held.get(launch),
    hold(launch, connection, told) {
      if (held.get(launch) !== connection) letGo(launch);
      held.set(launch, connection);
      const { launches, untold } = ofConnection(connection);
      launches.add(launch);
      if (told) untold.delete(launch);
      else untold.add(launch);
    },
    letGo,
    untold(connection, count) {
      const { untold } = ofConnection(connection);
      if (untold.size < count) return undefined;
      const [oldest] = untold;
      return oldest;
    },
  };
}
