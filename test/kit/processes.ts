import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'vitest';

/** A process as the kernel shows it (Linux: /proc). */
export interface Shown {
  readonly pid: number;
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** The processes in whose environment a variable has this value. What has ended and waits for its parent is none. */
export function processesWith(name: string, value: string): Shown[] {
  const entry = `${name}=${value}`;
  return readdirSync('/proc')
    .filter((each) => /^\d+$/u.test(each))
    .flatMap((pid) => {
      const entries = strings(pid, 'environ');
      if (!entries.includes(entry)) return [];
      const environment = Object.fromEntries(
        entries.map((each) => {
          const equals = each.indexOf('=');
          return [each.slice(0, equals), each.slice(equals + 1)];
        }),
      );
      return [{ pid: Number(pid), argv: strings(pid, 'cmdline'), environment }];
    });
}

/** Waits until there is none of them. Not by pid: after a while that is another's. */
export async function untilGone(which: () => readonly Shown[]): Promise<void> {
  await expect.poll(which, { timeout: 15_000 }).toEqual([]);
}

/** Ends them, whatever they heed. */
export function killAll(which: readonly Shown[]): void {
  for (const { pid } of which) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has just ended.
    }
  }
}

/** The most memory that the process has had at once, in bytes. */
export function peakMemory(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(/^VmHWM:\s*(\d+) kB$/mu.exec(status)?.[1]) * 1024;
}

function strings(pid: string, file: 'environ' | 'cmdline'): string[] {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0').slice(0, -1);
  } catch {
    return [];
  }
}
