import type { ChildProcess } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { systemClock } from '@mcp-broker/daemon/client';

import type { Guard } from '../guard/index.ts';
import { isOfClient } from './of-client.ts';

/** A launch that ends sooner need not pay for being watched. */
const watchAfterMs = 200;

/** Who started us; read before anything can take long. */
const parent = process.ppid;

export interface Life {
  /** A signal that ends was passed on to the server. */
  signalled(): void;
  /** The server has ended; resolves when what it left has too. */
  ended(): Promise<void>;
}

/** Watches over a server that runs. All that it takes is loaded later, and only where it is needed. */
export function watchOver(child: ChildProcess, ownSession: boolean, launch?: string): Life {
  const { pid } = child;
  if (pid === undefined) return { signalled: () => undefined, ended: async () => undefined };
  let loading: Promise<Guard | undefined> | undefined;
  const load = (): Promise<Guard | undefined> =>
    (loading ??= import('../guard/index.ts').then(
      ({ guardServer }) => guardServer({ pid, ownSession, launch, ofClient }),
      // Removed or replaced meanwhile, as by an upgrade: the server has the signal all the same.
      () => undefined,
    ));
  // Now: a pipe of which our parent has closed its end looks like any other.
  const ofClient = isOfClient(0, parent);
  const cancel = ofClient ? systemClock.after(watchAfterMs, () => void load()) : undefined;
  return {
    signalled: () => void load().then((guard) => guard?.signalled()),
    async ended() {
      cancel?.();
      if (loading === undefined && !(ofClient && ownSession && groupLives(pid))) return;
      const guard = await load();
      await guard?.ended();
    },
  };
}

function groupLives(group: number): boolean {
  try {
    return process.kill(-group, 0);
  } catch {
    return false;
  }
}

/** We have a controlling terminal, whatever our descriptors are. */
export function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', constants.O_RDWR | constants.O_NOCTTY));
    return true;
  } catch {
    return false;
  }
}
