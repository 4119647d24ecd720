import type { Broker } from '../broker.ts';
import type { Handlers } from '../listener/handler.ts';

/** What a wrapper tells of the server that it runs. */
export function launchLifeHandlers({
  running,
}: Pick<Broker, 'running'>): Pick<Handlers, 'launch.started' | 'launch.ended'> {
  return {
    async 'launch.started'({ launch, pid }, { peer, connection }) {
      running.started(launch, pid, peer, connection);
      return { result: {} };
    },

    // Its audit line is not waited for: the client waits for the wrapper to end.
    async 'launch.ended'({ launch, exit }, { peer, connection }) {
      running.ended(launch, peer, exit, connection);
      return { result: {} };
    },
  };
}
