import { sleep, type Clock } from './clock.ts';
import { tryFileLock } from './file-lock.ts';
import { holderName, readHolder } from './lock-holder.ts';
import type { Platform } from './platform/platform.ts';

/** How long a daemon that has to go may take: its grace for requests under way, and room. */
const leaveMs = 10_000;

/**
 * The lock of a home for the daemon that serves it; gives the release, or undefined when another one
 * holds it. With `evict` that one is ended first: it was started by a use of `mcp` before a service
 * manager bound the socket anew, so nobody finds it any more, and whoever comes finds us.
 */
export async function takeHome(
  path: string,
  platform: Platform,
  { evict, clock }: { readonly evict: boolean; readonly clock: Clock },
): Promise<(() => void) | undefined> {
  const startTimeOf = (pid: number): string | undefined => platform.startTime(pid);
  const own = holderName(process.pid, startTimeOf);
  const giveUp = clock.monotonic() + leaveMs;
  let told: number | undefined;
  for (;;) {
    const release = tryFileLock(path, platform, own);
    if (release !== undefined || !evict || clock.monotonic() > giveUp) return release;
    const holder = readHolder(path, startTimeOf);
    if (holder !== undefined && holder !== told) {
      told = holder;
      tellToStop(holder);
    }
    await sleep(20);
  }
}

function tellToStop(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch {
    // It has just gone.
  }
}
