import { toBrokerError } from '@mcp-broker/providers/errors';
import type { AuditEvent } from '../audit/event.ts';
import type { Broker } from '../broker.ts';

type Line = Omit<AuditEvent, 'outcome'>;
type Written = Pick<Broker, 'audit'>;

/** A change is written down before it is made: no line, no change. One that fails has a line more. */
export async function changing<T>(
  { audit }: Written,
  line: Line,
  change: () => Promise<T>,
): Promise<T> {
  await audit.append({ ...line, outcome: 'allowed' });
  return failing({ audit }, line, 'failed', change);
}

/** What is refused has its line. */
export async function refusing<T>(
  broker: Written,
  line: Line,
  action: () => Promise<T>,
): Promise<T> {
  return failing(broker, line, 'denied', action);
}

async function failing<T>(
  { audit }: Written,
  line: Line,
  outcome: 'denied' | 'failed',
  action: () => Promise<T>,
): Promise<T> {
  try {
    return await action();
  } catch (error) {
    await audit.append({ ...line, outcome, code: toBrokerError(error).code });
    throw error;
  }
}

/** Names of the backends of a launch's variables, each once, with commas between them. */
export function backendsOf(
  variables: readonly { readonly backend: string }[],
): Pick<AuditEvent, 'backend'> {
  const [first] = variables;
  if (first === undefined) return {};
  if (variables.length === 1) return { backend: first.backend };
  const names = [...new Set(variables.map(({ backend }) => backend))].sort();
  return { backend: names.join(',') };
}
