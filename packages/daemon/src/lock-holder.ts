import { readFileSync } from 'node:fs';

/** The start time of a living process, in the kernel's own unit. */
type StartTimeOf = (pid: number) => string | undefined;

/** What a daemon writes into the lock of its home. With the start time it names one process for ever. */
export function holderName(pid: number, startTimeOf: StartTimeOf): string {
  return `${pid} ${startTimeOf(pid) ?? ''}\n`;
}

/** The living process that wrote its name into a lock; undefined when there is none. */
export function readHolder(lock: string, startTimeOf: StartTimeOf): number | undefined {
  let name: string;
  try {
    name = readFileSync(lock, 'utf8');
  } catch {
    return undefined;
  }
  const pid = Number.parseInt(name, 10);
  return pid > 1 && holderName(pid, startTimeOf) === name ? pid : undefined;
}
