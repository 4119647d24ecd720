import type { Session } from './session.ts';
import type { Given } from './spec.ts';

/** Gets the command that was chosen, and the options that every command takes. */
export type Dispatch = (
  action: (session: Session) => Promise<number>,
  options: Given,
) => Promise<void>;

/** Nothing to run: help or the version was asked for, or the command of a group was left out. */
export class Finished extends Error {
  readonly text: string;
  readonly exitCode: number;

  constructor(text: string, exitCode: number) {
    super('finished');
    this.name = 'Finished';
    this.text = text;
    this.exitCode = exitCode;
  }
}
