import { exitCodeOfSignal } from './exit-code.ts';

/** A person, or a signal, stopped the command. There is nothing to report. */
export class Interrupted extends Error {
  /** 128 and the signal's number, as a shell says it. */
  readonly exitCode: number;

  constructor(signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`);
    this.name = 'Interrupted';
    this.exitCode = exitCodeOfSignal(signal);
  }
}

/** Signals that were kept back. */
export interface HeldSignals {
  /** Throws `Interrupted` when one came. */
  check(): void;
  release(): void;
}

/** Keeps the signals that would end the process back, so that what was begun can be undone first. */
export function holdSignals(): HeldSignals {
  let came: NodeJS.Signals | undefined;
  const keep = (signal: NodeJS.Signals): void => {
    came ??= signal;
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, keep);
  return {
    check() {
      if (came !== undefined) throw new Interrupted(came);
    },
    release() {
      for (const signal of signals) process.off(signal, keep);
    },
  };
}
