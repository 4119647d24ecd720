import { BrokerError } from '@mcp-broker/providers/errors';

/** One reference of a launch, with what is known of it before any value is read. */
export interface VariableFacts {
  /** The canonical reference, or the name for one without a locator. */
  readonly subject: string;
  /** `unasked`: its store is remote and is not asked before a grant is there. */
  readonly state: 'known' | 'unknown' | 'unasked';
  /** Why its state could not be found out: locked, unavailable, no such backend. */
  readonly failure?: BrokerError;
  readonly hasFallback: boolean;
  /** Those of the names it goes to that steer a process (`LD_PRELOAD`, `PATH`, …). */
  readonly steering: readonly string[];
  /** Where a person would store it. */
  readonly backend: string;
}

export interface LaunchFacts {
  readonly variables: readonly VariableFacts[];
  /** A grant covers this fingerprint and all of these variables. */
  readonly granted: boolean;
}

export type Decision =
  | { readonly kind: 'allow' }
  | { readonly kind: 'ask' }
  | { readonly kind: 'deny'; readonly problems: readonly BrokerError[] };

/**
 * Who may have which secret. Pure: the same facts give the same answer, and nothing else counts. What
 * cannot be granted is refused before a person is asked, with every problem that there is.
 */
export function decide(facts: LaunchFacts): Decision {
  const problems = facts.variables.flatMap((variable) => problemsOf(variable));
  if (problems.length > 0) return { kind: 'deny', problems };
  return facts.granted ? { kind: 'allow' } : { kind: 'ask' };
}

function problemsOf(variable: VariableFacts): BrokerError[] {
  const problems = variable.steering.map(
    (name) =>
      new BrokerError('ERR_DENIED', `${name} steers a process and takes no secret`, {
        hint: `give ${variable.subject} to the server under another name`,
        subject: name,
      }),
  );
  if (variable.failure !== undefined) {
    problems.push(variable.failure);
  } else if (variable.state === 'unknown' && !variable.hasFallback) {
    problems.push(unknownVariable(variable.subject, variable.backend));
  }
  return problems;
}

export function unknownVariable(subject: string, backend: string): BrokerError {
  return new BrokerError('ERR_UNKNOWN_VARIABLE', `no value for ${subject} in backend ${backend}`, {
    hint: subject.startsWith('$<') ? `check the reference ${subject}` : `mcp secret set ${subject}`,
    subject,
  });
}
