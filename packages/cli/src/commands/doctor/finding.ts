import { withoutTokens } from '@mcp-broker/daemon/client-files';

import type { Session } from '../session.ts';
import { severities, type FindingId, type Mendable, type Severity } from './severities.ts';

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

/** What a finding says; one that `--fix` mends says how. */
type Said<Id extends FindingId> = {
  readonly cause: string;
  readonly remedy: string;
} & (Id extends Mendable ? { readonly mend: Mend } : { readonly mend?: never });

export function finding<Id extends FindingId>(
  id: Id,
  subject: string,
  { cause, remedy, mend }: Said<Id>,
): Finding {
  return {
    id,
    severity: severities[id],
    // Names and commands are what somebody wrote into a file, and it may have been a token.
    subject: withoutTokens(subject),
    cause: withoutTokens(cause),
    remedy: withoutTokens(remedy),
    ...(mend === undefined ? {} : { mend }),
  };
}

/** Which of two looks a finding was in. */
export function keyOf({ id, subject, cause }: Finding): string {
  return JSON.stringify([id, subject, cause]);
}
