import { readHolder } from '../lock-holder.ts';
import { readStat } from '../platform/proc.ts';

/** The daemon that holds this lock of a home, by the lock alone: nothing is said to it. Linux. */
export function daemonPid(lock: string): number | undefined {
  return readHolder(lock, (pid) => readStat(pid)?.startTime);
}
