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
  /** Where a person would store it. */
  readonly backend: string;
  /** A grant for this fingerprint covers it. */
  readonly granted: boolean;
}

export interface LaunchFacts {
  readonly variables: readonly VariableFacts[];
  /** A person refused this fingerprint: which refusal, and when it ends. */
  readonly denied?: Refusal;
  /** The commands of backends that the variables are read by. */
  readonly tools?: readonly ToolFacts[];
}

interface Refusal {
  readonly id: string;
  readonly until?: string;
}

/** What a backend runs, with what a person said of it as it is now. */
export interface ToolFacts {
  readonly backend: string;
  readonly granted: boolean;
  readonly denied?: Refusal;
}

export type Decision =
  | { readonly kind: 'allow' }
  /** A person has to grant these variables, and what backends run; without any, that alone. */
  | { readonly kind: 'ask'; readonly missing: readonly string[] }
  | { readonly kind: 'deny'; readonly problems: readonly BrokerError[] };

/**
 * Who may have which secret. Pure: the same facts give the same answer, and nothing else counts. What
 * cannot be granted is refused before a person is asked, with every problem that there is.
 */
export function decide({ variables, denied, tools = [] }: LaunchFacts): Decision {
  const problems = variables.flatMap((variable) => problemOf(variable) ?? []);
  for (const refusal of [denied, ...tools.map((tool) => tool.denied)]) {
    if (refusal !== undefined) problems.push(refusedByPerson(refusal));
  }
  if (problems.length > 0) return { kind: 'deny', problems };
  const missing = variables.filter(({ granted }) => !granted).map(({ subject }) => subject);
  const isAllowed = missing.length === 0 && tools.every(({ granted }) => granted);
  return isAllowed ? { kind: 'allow' } : { kind: 'ask', missing };
}

function problemOf(variable: VariableFacts): BrokerError | undefined {
  if (variable.failure !== undefined) return variable.failure;
  if (variable.state !== 'unknown' || variable.hasFallback) return undefined;
  return unknownVariable(variable.subject, variable.backend);
}

export function refusedByPerson({ id, until }: Refusal): BrokerError {
  const end = until === undefined ? '' : ` until ${until}`;
  return new BrokerError('ERR_DENIED', `a person refused this launch${end}`, {
    hint: `mcp approvals revoke ${id}, to be asked again`,
    subject: id,
  });
}

export function unknownVariable(subject: string, backend: string): BrokerError {
  return new BrokerError('ERR_UNKNOWN_VARIABLE', `no value for ${subject} in backend ${backend}`, {
    hint: subject.startsWith('$<') ? `check the reference ${subject}` : `mcp secret set ${subject}`,
    subject,
  });
}
