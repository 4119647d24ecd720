import { combineErrors, type BrokerError } from '@mcp-broker/providers/errors';
import type { Cached } from '../cache.ts';
import { checkLengths, type LaunchPlan } from '../launch.ts';
import { unknownVariable } from '../policy/decide.ts';
import { formatReference } from '../reference.ts';
import { checkEnvironmentValue, nameSubject, type Plan, type Resolver } from '../resolver.ts';

/** What a ticket gives out. */
export interface Values {
  readonly indexes: Record<string, number | null>;
  /** Copies, to be wiped once they are written. */
  readonly attachments: Buffer[];
  readonly cached: number;
  readonly ageMs: number;
}

/**
 * Reads all values of a launch, or throws one error that names every one that failed. What it gives
 * are copies out of the locked memory.
 */
export async function readValues(
  resolver: Resolver,
  plan: LaunchPlan,
  variables: readonly Plan[],
  signal: AbortSignal,
): Promise<Values> {
  const errors: BrokerError[] = [];
  const read = await Promise.all(
    variables.map(async (variable): Promise<[Plan, Cached | undefined]> => {
      try {
        const cached = await resolver.read(variable, signal);
        cached?.value.use((bytes) => {
          checkEnvironmentValue(bytes, variable.subject);
        });
        const { reference } = variable;
        if (cached === undefined && (reference.kind === 'locator' || reference.fallback === undefined)) {
          throw unknownVariable(variable.subject, variable.backend);
        }
        return [variable, cached];
      } catch (error) {
        errors.push(nameSubject(error, variable.subject));
        return [variable, undefined];
      }
    }),
  );
  if (errors.length > 0) throw combineErrors(errors);

  const lengths = new Map(read.map(([variable, cached]) => [variable.text, cached?.value.length]));
  checkLengths(plan, (reference) => {
    const length = lengths.get(formatReference(reference));
    if (length !== undefined) return length;
    return reference.kind === 'variable' ? Buffer.byteLength(reference.fallback ?? '') : 0;
  });

  const attachments: Buffer[] = [];
  const indexes: Record<string, number | null> = {};
  for (const [variable, cached] of read) {
    if (cached === undefined) {
      indexes[variable.text] = null;
    } else {
      indexes[variable.text] = attachments.length;
      attachments.push(cached.value.use((bytes) => copy(bytes)));
    }
  }
  const ages = read.flatMap(([, cached]) => (cached === undefined ? [] : [cached.ageMs]));
  return { indexes, attachments, cached: ages.filter((age) => age > 0).length, ageMs: Math.max(0, ...ages) };
}

/** Outside of Node's shared pool, so that wiping it leaves nothing behind. */
function copy(bytes: Uint8Array): Buffer {
  const buffer = Buffer.allocUnsafeSlow(bytes.length);
  buffer.set(bytes);
  return buffer;
}
