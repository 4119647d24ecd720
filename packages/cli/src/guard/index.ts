import {
  createTree,
  makesSignals,
  readStat,
  sleep,
  systemClock,
  watchHangUp,
} from '@mcp-broker/daemon/processes';

import type { Stdin } from '../exec/of-client.ts';

/** How long a server may take to end once its client has closed stdin; then SIGTERM. */
const closedMs = 1200;
/** From then to SIGKILL: the whole takes less than the two seconds that clients wait. */
const closedTermMs = 300;
/** As MCP clients do: from a signal that was passed on to SIGTERM, and from there to SIGKILL. */
const ladderMs = 2000;

const waiting = { sleep, monotonic: () => systemClock.monotonic() };

export interface Guarded {
  readonly pid: number;
  readonly ownSession: boolean;
  readonly launch: string | undefined;
  readonly stdin: Stdin;
  /** The server has ended already, and `ended` is all that is still to come: some of its group live, or none. */
  readonly over: { readonly group: boolean } | undefined;
}

export interface Guard {
  /** A signal that ends was passed on: what does not end by itself is ended. */
  signalled(): void;
  /** The keys of our terminal are signals: one that it sends may be a key. */
  terminalMakesSignals(): boolean;
  /** The server has ended: so does what it left. Resolves when nothing is left. */
  ended(): Promise<void>;
}

/**
 * Keeps watch over a server and all that it starts, from when it runs: that nothing is left once its
 * client has closed stdin, once we were told to end, or once the server has ended.
 */
export function guardServer({ pid, ownSession, launch, stdin, over }: Guarded): Guard {
  const { ofClient } = stdin;
  const startTime = readStat(pid)?.startTime;
  // Once it and all of its group have ended, its number may be a stranger's.
  const isItsOwn = over === undefined ? startTime !== undefined : over.group;
  const tree = createTree({
    ...(isItsOwn ? { root: { pid, startTime } } : {}),
    ownSession,
    launch,
    since: readStat(process.pid)?.startTime ?? '0',
  });
  // Nobody has seen whether the client closed stdin: it may be waiting already.
  let graceMs = over === undefined ? ladderMs : closedTermMs;
  let climbAt = Infinity;

  /** A client that closes stdin after it has sent a signal waits no longer than another. */
  const climb = async (patienceMs: number): Promise<void> => {
    const at = systemClock.monotonic() + patienceMs;
    if (at >= climbAt) return;
    climbAt = at;
    // Those whose parents end in the meantime could not be told from others later.
    tree.living();
    await sleep(patienceMs);
    if (climbAt === at) await tree.end(() => graceMs, waiting);
  };

  const stopWatching =
    ofClient && over === undefined
      ? watchHangUp(clientEnd(stdin), () => {
          graceMs = closedTermMs;
          void climb(closedMs);
        })
      : () => undefined;

  return {
    signalled() {
      void climb(ladderMs);
    },
    terminalMakesSignals: makesSignals,
    async ended() {
      stopWatching();
      if (ofClient || climbAt < Infinity) await tree.end(() => graceMs, waiting);
    },
  };
}

/**
 * The descriptor by which we see the client go. One that had closed stdin before there was a server wants to
 * hear it out, as whoever writes `mcp exec </dev/null` does, and is gone once nobody reads stdout.
 */
function clientEnd({ hasEnded }: Stdin): number {
  return hasEnded ? 1 : 0;
}
