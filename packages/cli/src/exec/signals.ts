import type { ChildProcess } from 'node:child_process';

/**
 * What is passed on. SIGKILL and SIGSTOP cannot be; SIGCHLD, SIGPIPE and stopping a job are our own; and
 * SIGUSR1, which opens Node's debugger, is blocked by the flag that keeps it from doing so.
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

/** What a terminal sends to the whole group in front, so to the server too. */
const fromTerminal: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGQUIT', 'SIGWINCH']);

export interface Relay {
  to(child: ChildProcess): void;
  stop(): void;
}

/** From now on signals go to the server; as long as there is none, they end us as they would have. */
export function relaySignals(): Relay {
  let target: ChildProcess | undefined;
  const pass = (signal: NodeJS.Signals): void => {
    if (target === undefined) {
      stop();
      process.kill(process.pid, signal);
    } else if (!(fromTerminal.has(signal) && process.getBuiltinModule('node:tty').isatty(0))) {
      target.kill(signal);
    }
  };
  const stop = (): void => {
    for (const signal of forwarded) process.off(signal, pass);
  };
  for (const signal of forwarded) process.on(signal, pass);
  return {
    to: (child) => {
      target = child;
    },
    stop,
  };
}
