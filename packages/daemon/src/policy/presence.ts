import { BrokerError } from '@mcp-broker/providers/errors';
import type { Peer } from '../listener/peer.ts';
import type { Platform } from '../platform/platform.ts';

/** Processes that a launch of ours started: what descends from one is no person. */
export interface Launches {
  add(peer: Peer): void;
  has(pid: number, startTime: string): boolean;
}

export function createLaunches(platform: Platform): Launches {
  const known = new Map<number, string>();
  return {
    add(peer) {
      if (known.size >= 4096) {
        for (const [pid, startTime] of known) {
          if (platform.startTime(pid) !== startTime) known.delete(pid);
        }
      }
      known.set(peer.pid, peer.startTime);
    },
    has: (pid, startTime) => known.get(pid) === startTime,
  };
}

/**
 * Throws `ERR_PRESENCE` when the peer descends from a launch, or has no controlling terminal where one
 * is needed. Best effort: a determined program can make a terminal of its own.
 */
export function requirePresence(
  peer: Peer,
  platform: Platform,
  launches: Launches,
  terminal: 'needed' | 'not needed',
): void {
  const facts = platform.process(peer.pid);
  if (terminal === 'needed' && facts?.hasTerminal !== true) {
    throw new BrokerError('ERR_PRESENCE', 'this needs a person at a terminal', {
      hint: 'type it in a terminal, or give the passphrase of the sealed file with --fd N',
    });
  }
  let pid = peer.pid;
  for (let depth = 0; pid > 1 && depth < 256; depth += 1) {
    const ancestor = platform.process(pid);
    if (ancestor === undefined) return;
    if (launches.has(pid, ancestor.startTime)) {
      throw new BrokerError('ERR_PRESENCE', 'a server that was launched here cannot do this', {
        hint: 'type it in a terminal of your own',
      });
    }
    pid = ancestor.parent;
  }
}
