import { isUtf8 } from 'node:buffer';
import {
  BrokerError,
  combineErrors,
  formatReference,
  substitute,
  type LaunchValues,
  type Reference as Ref,
  type Template,
} from '@mcp-broker/daemon/protocol';
import { emptyEnvironment, type Environment } from './aside.ts';
import type { Draft } from './references.ts';

/** `NAME=value` of more bytes, the NUL at its end not counted, is refused by the kernel. */
const maxStringBytes = 131_071;

/** What a server is started with. */
export interface Filled {
  readonly args: readonly string[];
  readonly environment: Environment;
}

/**
 * Puts the values in. The daemon has checked them against the same rules; what would still not fit
 * is one `ERR_VALUE` that names every place, and never a shortened or an empty text.
 */
export function fillIn(draft: Draft, valueOf: (reference: Ref) => string): Filled {
  const environment = Object.assign(emptyEnvironment(), draft.environment);
  const problems: BrokerError[] = [];
  const fill = (template: Template, into: string, prefix: string): string => {
    const text = substitute(template, valueOf);
    const problem = misfit(into, prefix + text);
    if (problem !== undefined) problems.push(problem);
    return text;
  };
  for (const { name, template } of draft.entries) {
    environment[name] = fill(template, name, `${name}=`);
  }
  const args = draft.args.map((arg, index) =>
    typeof arg === 'string' ? arg : fill(arg, `argument ${index + 1}`, ''),
  );
  if (problems.length > 0) throw combineErrors(problems);
  return { args, environment };
}

/** Reads the daemon's answer; the bytes are wiped. A default stands where the daemon gave no value. */
export function readValues(
  { values }: LaunchValues,
  attachments: readonly Buffer[],
): (reference: Ref) => string {
  try {
    const texts = attachments.map((bytes) => (isUtf8(bytes) ? bytes.toString('utf8') : undefined));
    return (reference) => {
      const canonical = formatReference(reference);
      const index = Object.hasOwn(values, canonical) ? values[canonical] : undefined;
      if (typeof index === 'number' && index in attachments) {
        const text = texts[index];
        if (text === undefined) throw unfit(canonical, 'is not UTF-8 text');
        return text;
      }
      if (index === null && reference.kind === 'variable' && reference.fallback !== undefined) {
        return reference.fallback;
      }
      throw new BrokerError('ERR_PROTOCOL', `the daemon gave no value for ${canonical}`, {
        hint: 'run `mcp daemon restart`: it may be of another version',
      });
    };
  } finally {
    for (const bytes of attachments) bytes.fill(0);
  }
}

function misfit(into: string, text: string): BrokerError | undefined {
  if (text.includes('\0')) return unfit(into, 'holds a NUL');
  if (Buffer.byteLength(text) > maxStringBytes) {
    return unfit(into, `is longer than the ${maxStringBytes} bytes that the kernel takes`);
  }
  return undefined;
}

function unfit(subject: string, why: string): BrokerError {
  return new BrokerError('ERR_VALUE', `the value for ${subject} ${why}`, {
    hint: 'give the server a shorter text, or a file of its own',
    subject,
  });
}
