import type { Session } from '../session.ts';
import { known, type FindingId, type Severity } from './known.ts';

/** One thing that is not as it should be, in words for a person. None holds a value. */
export interface Finding {
  readonly id: FindingId;
  readonly severity: Severity;
  /** The file, server, variable or backend that it is about. */
  readonly subject: string;
  readonly cause: string;
  /** A command to type, or what to edit. */
  readonly remedy: string;
  /** What `--fix` does: gives what it did, or throws why it could not. Undefined: that is for a person. */
  readonly mend?: Mend;
}

export type Mend = (session: Session) => Promise<string>;

export function finding(
  id: FindingId,
  subject: string,
  { cause, remedy, mend }: { cause: string; remedy: string; mend?: Mend | undefined },
): Finding {
  const severity = known[id];
  return { id, severity, subject, cause, remedy, ...(mend === undefined ? {} : { mend }) };
}

/** Which of two looks a finding was in. */
export function keyOf({ id, subject, cause }: Finding): string {
  return JSON.stringify([id, subject, cause]);
}
