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
