import { readdirSync, readFileSync } from 'node:fs';

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

function strings(pid: string, file: 'environ' | 'cmdline'): string[] {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0').slice(0, -1);
  } catch {
    return [];
  }
}
