import { readFileSync } from 'node:fs';
import type { ChildProcess } from 'node:child_process';
import { systemClock } from '@mcp-broker/daemon/client';

import type { Life } from './life.ts';

/**
 * What is passed on. SIGKILL and SIGSTOP cannot be; SIGCHLD, SIGPIPE and stopping a job are our own; and
 * SIGUSR1, which opens Node's debugger, is blocked by the flag that keeps it from doing so. Node knows
 * none of the real-time signals.
 */
const forwarded: readonly NodeJS.Signals[] = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGTERM',
  'SIGUSR2',
  'SIGALRM',
  'SIGVTALRM',
  'SIGXCPU',
  'SIGWINCH',
  'SIGCONT',
  'SIGIO',
  'SIGPWR',
];

/** What a terminal or its shell sends to a whole group, so to the server too. */
const toGroups: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGQUIT', 'SIGWINCH']);

/** After these nothing of the launch may be left. */
const ending: ReadonlySet<NodeJS.Signals> = new Set(['SIGHUP', 'SIGINT', 'SIGTERM']);

/** What ends a process and leaves no core file: ours would hold values. */
const withoutCore: ReadonlySet<NodeJS.Signals> = new Set([
  'SIGHUP',
  'SIGINT',
  'SIGKILL',
  'SIGPIPE',
  'SIGALRM',
  'SIGTERM',
]);

/** How long after a signal from before a stop we may hear that the stop is over: another thread brings it. */
const continuedMs = 50;

export interface Relay {
  /** `sharesGroup`: the server is in our own process group, on the same terminal. */
  to(child: ChildProcess, life: Life, sharesGroup: boolean): void;
  /** Ends us by the signal that has ended the server, where that leaves no core file. */
  endBy(signal: NodeJS.Signals): void;
  stop(): void;
}

interface Target {
  readonly child: ChildProcess;
  readonly life: Life;
  readonly sharesGroup: boolean;
}

/** From now on signals go to the server; as long as there is none, they end us as they would have. */
export function relaySignals(): Relay {
  let target: Target | undefined;
  let continued = 0;
  const pass = (signal: NodeJS.Signals): void => {
    if (target === undefined) {
      stop();
      process.kill(process.pid, signal);
      return;
    }
    const { child, life, sharesGroup } = target;
    const send = (): void => {
      child.kill(signal);
      if (ending.has(signal)) life.signalled();
    };
    if (sharesGroup && signal === 'SIGCONT') {
      // Whoever continues a job continues all of it; behind the shell too.
      continued += 1;
    } else if (!sharesGroup || !toGroups.has(signal)) {
      send();
    } else if (isInFront()) {
      life.unlessTyped(send);
    } else {
      // Typed before the job was stopped, and heard of only after: the server has had it.
      const before = continued;
      systemClock.after(continuedMs, () => {
        if (continued === before) send();
      });
    }
  };
  const stop = (): void => {
    for (const signal of forwarded) process.off(signal, pass);
  };
  for (const signal of forwarded) process.on(signal, pass);
  return {
    to: (child, life, sharesGroup) => {
      target = { child, life, sharesGroup };
    },
    endBy: (signal) => {
      if (!withoutCore.has(signal)) return;
      stop();
      process.kill(process.pid, signal);
    },
    stop,
  };
}

/** Our group is the one that the terminal sends to; where the kernel does not say, it is. */
function isInFront(): boolean {
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1');
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return group === foreground;
  } catch {
    return true;
  }
}
