import { BrokerError, combineErrors } from '@mcp-broker/providers/errors';
import { maxAttachmentCount } from './protocol/framing.ts';
import type { EnvironmentEntry } from './protocol/approvals.ts';
import {
  formatReference,
  isVariableName,
  parseTemplate,
  type Reference,
  type Template,
} from './reference.ts';
import { isSteeringName } from './steering-names.ts';

/** `NAME=value` of more bytes is refused by the kernel. */
const maxEntryBytes = 131_071;

/** One place of a launch that takes a value. */
export interface Destination {
  /** The variable's name in the child's environment, or `argument N`. */
  readonly into: string;
  readonly template: Template;
  /** Bytes around the values: the name and `=` of an environment entry. */
  readonly overhead: number;
}

/** A launch's references, each once, with the places that they go to. */
export interface LaunchPlan {
  readonly destinations: readonly Destination[];
  readonly references: ReadonlyMap<
    string,
    { readonly reference: Reference; readonly into: readonly string[] }
  >;
}

/** What of a launch takes values. */
export interface Launchable {
  readonly args: readonly string[];
  readonly environment: readonly EnvironmentEntry[];
  readonly allowArgs?: boolean;
  /** By name, what another has read of the environment already. */
  readonly templates?: ReadonlyMap<string, Template>;
}

/** Reads the templates of a request. Throws `ERR_USAGE` and `ERR_REFERENCE_IN_ARGUMENT`. */
export function readLaunch(request: Launchable): LaunchPlan {
  const destinations = [
    ...request.environment.map((entry) =>
      environmentDestination(entry, request.templates?.get(entry.name)),
    ),
    ...request.args.map((arg, index) =>
      argumentDestination(arg, index, request.allowArgs === true),
    ),
  ].filter((destination) => destination.template.some((part) => typeof part !== 'string'));

  const found = new Map<string, { reference: Reference; into: Set<string> }>();
  for (const { template, into } of destinations) {
    for (const part of template) {
      if (typeof part === 'string') continue;
      const text = formatReference(part);
      const known = found.get(text);
      if (known === undefined) found.set(text, { reference: part, into: new Set([into]) });
      else {
        known.into.add(into);
        // One written without a default has to resolve, whatever the other says.
        if (part.kind === 'variable' && part.fallback === undefined) known.reference = part;
      }
    }
  }
  if (found.size > maxAttachmentCount) {
    throw new BrokerError(
      'ERR_USAGE',
      `the launch has ${found.size} references, and one launch takes ${maxAttachmentCount}`,
      { hint: 'put several values into one secret, or start the server with fewer' },
    );
  }
  return {
    destinations,
    references: new Map(
      [...found].map(([text, { reference, into }]) => [text, { reference, into: [...into] }]),
    ),
  };
}

function environmentDestination(entry: EnvironmentEntry, known: Template | undefined): Destination {
  const template =
    known ?? parseTemplate(entry.value, entry.origin === 'entry' ? 'both' : 'inherited');
  // What a client's file sets, and holds no value of ours, is called as that client takes it.
  const isPlain = known !== undefined && template.every((part) => typeof part === 'string');
  if (!isVariableName(entry.name) && !(isPlain && /^[^=\0]+$/.test(entry.name))) {
    throw new BrokerError(
      'ERR_USAGE',
      `${JSON.stringify(entry.name)} is not a name for a variable${isPlain ? '' : ' that holds a reference'}`,
      {
        hint: 'names have letters, digits and _, at most 128, and do not start with a digit',
        subject: entry.name,
      },
    );
  }
  return {
    into: entry.name,
    template,
    overhead: Buffer.byteLength(entry.name) + 1,
  };
}

function argumentDestination(text: string, index: number, allowed: boolean): Destination {
  const template = parseTemplate(text, 'angle');
  const into = `argument ${index + 1}`;
  const reference = template.find((part) => typeof part !== 'string');
  if (reference !== undefined && typeof reference !== 'string' && !allowed) {
    throw new BrokerError(
      'ERR_REFERENCE_IN_ARGUMENT',
      `${into} holds the reference ${formatReference(reference)}, and every process can read arguments`,
      {
        hint: `give it by the environment: mcp exec --env NAME='${formatReference(reference)}' -- …`,
        subject: into,
      },
    );
  }
  return { into, template, overhead: 0 };
}

export function steeringNames(into: readonly string[]): string[] {
  return into.filter((name) => isSteeringName(name));
}

/**
 * Throws one `ERR_VALUE` for all places whose text would be too long for the kernel. `length` gives
 * the bytes that a reference stands for.
 */
export function checkLengths(plan: LaunchPlan, length: (reference: Reference) => number): void {
  const errors = plan.destinations
    .filter(({ template, overhead }) => {
      const bytes = template.reduce(
        (sum, part) => sum + (typeof part === 'string' ? Buffer.byteLength(part) : length(part)),
        overhead,
      );
      return bytes > maxEntryBytes;
    })
    .map(
      ({ into }) =>
        new BrokerError(
          'ERR_VALUE',
          `the value for ${into} is longer than the ${maxEntryBytes} bytes that the kernel takes`,
          {
            hint: 'give the server a shorter value, or a file of its own',
            subject: into,
          },
        ),
    );
  if (errors.length > 0) throw combineErrors(errors);
}
