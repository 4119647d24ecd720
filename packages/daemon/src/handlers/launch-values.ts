import { combineErrors, type BrokerError } from '@mcp-broker/providers/errors';
import { copySecret } from '@mcp-broker/providers/secret-bytes';
import { checkLengths, type LaunchPlan } from '../launch.ts';
import type { Slice } from '../memory.ts';
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

/** A value of this launch's own, in locked memory. */
interface Taken {
  readonly value: Slice;
  readonly hit: boolean;
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
): Promise<Values> {
  const errors: BrokerError[] = [];
  const read = await Promise.all(
    variables.map(async (variable): Promise<Taken | undefined> => {
      const { reference, subject, backend } = variable;
      try {
        const one = await resolver.read(variable, (cached) => {
          checkEnvironmentValue(cached.bytes, subject);
          return { value: cached.copy(), hit: cached.hit, ageMs: cached.ageMs };
        });
        if (
          one === undefined &&
          (reference.kind === 'locator' || reference.fallback === undefined)
        ) {
          throw unknownVariable(subject, backend);
        }
        return one;
      } catch (error) {
        errors.push(nameSubject(error, subject));
        return undefined;
      }
    }),
  );
  const taken = read.filter((value) => value !== undefined);
  try {
    if (errors.length > 0) throw combineErrors(errors);
    const lengths = new Map(variables.map(({ text }, index) => [text, read[index]?.value.length]));
    checkLengths(plan, (reference) => {
      const length = lengths.get(formatReference(reference));
      if (length !== undefined) return length;
      return reference.kind === 'variable' ? Buffer.byteLength(reference.fallback ?? '') : 0;
    });
    const attachments: Buffer[] = [];
    const indexes: Record<string, number | null> = {};
    for (const [index, { text }] of variables.entries()) {
      const value = read[index]?.value;
      indexes[text] = value === undefined ? null : attachments.length;
      if (value !== undefined) attachments.push(value.use(copySecret));
    }
    const hits = taken.filter(({ hit }) => hit);
    return {
      indexes,
      attachments,
      cached: hits.length,
      ageMs: Math.max(0, ...hits.map(({ ageMs }) => ageMs)),
    };
  } finally {
    for (const { value } of taken) value.wipe();
  }
}
