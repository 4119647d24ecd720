import { readFileSync } from 'node:fs';

/** What a test has started, each by pid and start time: a pid alone may be a stranger's after a while. */
export interface Started {
  /** To be called while it lives. */
  add(...pids: readonly number[]): void;
  readonly size: number;
  /** Those that still run; a zombie does not. */
  living(): number[];
  /** Those that have ended and that nobody has waited for; what init has inherited is its own to collect. */
  zombies(): number[];
  /** To those that still run. */
  signal(signal: NodeJS.Signals): void;
  /** At the end of a test, for what it has failed to end. */
  kill(): void;
}

export function trackProcesses(): Started {
  let known: (readonly [pid: number, startTime: string])[] = [];
  const inState = (states: RegExp): number[] =>
    known
      .filter(([pid, startTime]) => {
        const fields = statFields(pid);
        return fields[startTimeAt] === startTime && states.test(fields[0] ?? '');
      })
      .map(([pid]) => pid);
  const signal = (name: NodeJS.Signals): void => {
    for (const pid of inState(/[^ZX]/u)) {
      try {
        process.kill(pid, name);
      } catch {
        // It has just ended.
      }
    }
  };
  return {
    add(...pids) {
      for (const pid of pids) {
        const startTime = statFields(pid)[startTimeAt];
        if (startTime !== undefined) known.push([pid, startTime]);
      }
    },
    get size() {
      return known.length;
    },
    living: () => inState(/[^ZX]/u),
    zombies: () => inState(/Z/u).filter((pid) => parentOf(pid) !== 1),
    signal,
    kill() {
      signal('SIGKILL');
      known = [];
    },
  };
}

export function parentOf(pid: number): number {
  return Number(statFields(pid)[1]);
}

/** Among the fields from the state on: field 22 of proc_pid_stat(5). */
const startTimeAt = 19;

function statFields(pid: number): readonly string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}
