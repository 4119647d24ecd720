import type { ChildProcess } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { systemClock } from '@mcp-broker/daemon/client';

import type { Guard } from '../guard/index.ts';
import { lookAtStdin, type Stdin } from './of-client.ts';

/** A launch that ends sooner need not pay for being watched. */
const watchAfterMs = 200;

/** Who started us; read before anything can take long. */
const parent = process.ppid;

/** Whose end ends the launch; to be asked before the spawn. */
export function lookAround(): Stdin {
  return lookAtStdin(0, parent);
}

export interface Life {
  /** A signal that ends was passed on to the server. */
  signalled(): void;
  /**
   * A signal came that a key of our terminal may have sent to the server as well. Calls back if none has: a
   * client that reads each key itself and ends its servers by SIGINT.
   */
  unlessTyped(pass: () => void): void;
  /** The server has ended; resolves when what it left has too. */
  ended(): Promise<void>;
}

/** Watches over a server that runs. All that it takes is loaded later, and only where it is needed. */
export function watchOver(
  { pid }: ChildProcess,
  stdin: Stdin,
  ownSession: boolean,
  launch?: string,
): Life {
  if (pid === undefined) return noLife;
  let loading: Promise<Guard | undefined> | undefined;
  const load = (over?: { readonly group: boolean }): Promise<Guard | undefined> =>
    (loading ??= import('../guard/index.ts').then(
      ({ guardServer }) => guardServer({ pid, ownSession, launch, stdin, over }),
      // Removed or replaced meanwhile, as by an upgrade: the server has the signal all the same.
      () => undefined,
    ));
  const { ofClient } = stdin;
  const cancel = ofClient ? systemClock.after(watchAfterMs, () => void load()) : undefined;
  return {
    signalled: () => void load().then((guard) => guard?.signalled()),
    unlessTyped(pass) {
      if (!ofClient) return;
      void load().then((guard) => {
        if (guard?.terminalMakesSignals() === false) pass();
      });
    },
    async ended() {
      cancel?.();
      const group = ownSession && groupLives(pid);
      if (loading === undefined && !(ofClient && (group || launch !== undefined))) return;
      const guard = await load({ group });
      await guard?.ended();
    },
  };
}

const noLife: Life = {
  signalled: () => undefined,
  unlessTyped: () => undefined,
  ended: async () => undefined,
};

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
