import { BrokerError } from '@mcp-broker/providers/errors';
import type { RunningLaunch } from './launch-journal.ts';
import type { ProcessFacts } from '../platform/platform.ts';

/** Only what a wrapper started itself is ended in its name, one process for each launch and for no other. */
export function requireServer(
  { wrapper, process: known }: RunningLaunch,
  pid: number,
  { parent, startTime }: ProcessFacts,
  others: readonly RunningLaunch[],
): void {
  if (parent !== wrapper.pid) {
    throw new BrokerError('ERR_DENIED', `process ${pid} is no child of the one that asks`, {
      hint: 'start the server from the process that took its values',
    });
  }
  if (known !== undefined && (known.pid !== pid || known.startTime !== startTime)) {
    throw new BrokerError('ERR_DENIED', `process ${pid} is not the server of this launch`, {
      hint: 'a launch has one server: launch again for another',
    });
  }
  const same = ({ process: other }: RunningLaunch): boolean =>
    other?.pid === pid && other.startTime === startTime;
  if (others.some(same)) {
    throw new BrokerError('ERR_DENIED', `process ${pid} is the server of another launch`, {
      hint: 'a launch has one server: launch again for another',
    });
  }
}

export function noLaunch(): BrokerError {
  return new BrokerError('ERR_DENIED', 'no such launch of this process is known', {
    hint: 'start the server again',
  });
}
