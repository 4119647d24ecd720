import { setTimeout as pause } from 'node:timers/promises';

import { findOrphans } from '@mcp-broker/daemon/inspect';
import { BrokerError } from '@mcp-broker/daemon/protocol';

import type { Session } from '../session.ts';
import type { Facts } from './facts.ts';
import { finding, type Finding } from './finding.ts';

/** How long the daemon may take: its grace for what does not want to end, and room. */
const endWithinMs = 10_000;

/** Launches that nobody looks after any more. */
export function checkLaunches({ orphans, paths }: Facts): readonly Finding[] {
  return orphans.map(({ launch, server, pids }) => {
    const count = pids.length === 1 ? 'a process' : `${pids.length} processes`;
    return finding('orphan', server ?? launch, {
      cause: `its mcp exec is gone, and ${count} of it still ${pids.length === 1 ? 'has' : 'have'} its secrets: pid ${pids.join(', ')}`,
      remedy: 'mcp daemon start, which ends what a killed launch left',
      mend: async (session) => {
        await untilEnded(launch, paths.launches, session);
        return `the daemon has ended what launch ${launch} left`;
      },
    });
  });
}

async function untilEnded(launch: string, journal: string, session: Session): Promise<void> {
  const client = await session.connect();
  client.close();
  const deadline = session.now() + endWithinMs;
  while (findOrphans(journal).some((orphan) => orphan.launch === launch)) {
    if (session.now() > deadline) {
      throw new BrokerError('ERR_DAEMON_UNREACHABLE', `launch ${launch} still runs`, {
        hint: 'mcp status, then end its processes by their pids',
      });
    }
    await pause(50);
  }
}
