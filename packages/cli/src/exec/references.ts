import {
  BrokerError,
  formatReference,
  hasReference,
  isVariableName,
  parseTemplate,
  substitute,
  type EnvironmentEntry,
  type Forms,
  type Template,
} from '@mcp-broker/daemon/protocol';
import type { Environment } from './aside.ts';
import type { ExecInput } from './arguments.ts';

/** A launch with its references still in place. */
export interface Draft {
  readonly command: string;
  readonly args: readonly (string | Template)[];
  /** Everything that is no entry below. */
  readonly environment: Environment;
  /** Inherited values with a reference, and all of `--env`. */
  readonly entries: readonly (EnvironmentEntry & { readonly template: Template })[];
  readonly hasReferences: boolean;
  /** As in the input. */
  readonly replace: boolean;
}

/** Finds the references of a launch, and takes `environment` over. Throws `ERR_REFERENCE_IN_ARGUMENT` and `ERR_USAGE`. */
export function draftLaunch(input: ExecInput, environment: Environment): Draft {
  const refusal = refuseReference('the command', input.command);
  if (refusal !== undefined) throw refusal;
  const entries: Draft['entries'][number][] = [];

  for (const [name, value] of Object.entries(environment)) {
    if (!value.includes('$') || input.entries.has(name)) continue;
    const template = parseTemplate(value, 'inherited');
    if (isReferenceFree(template)) {
      environment[name] = substitute(template, () => '');
      continue;
    }
    if (!isVariableName(name)) {
      throw new BrokerError('ERR_USAGE', `the inherited variable ${name} cannot take a reference`, {
        hint: 'rename it: letters, digits and _ alone, at most 128',
      });
    }
    delete environment[name];
    entries.push({ name, value, origin: 'inherited', template });
  }
  for (const [name, value] of input.entries) {
    delete environment[name];
    entries.push({ name, value, origin: 'entry', template: parseTemplate(value, 'both') });
  }

  const args = input.args.map((arg, index) => readArgument(arg, index, input.allowArgs));
  return {
    command: input.command,
    args,
    environment,
    entries,
    replace: input.replace,
    hasReferences:
      entries.some(({ template }) => !isReferenceFree(template)) ||
      args.some((arg) => typeof arg !== 'string' && !isReferenceFree(arg)),
  };
}

function readArgument(text: string, index: number, allowed: boolean): string | Template {
  if (allowed) return parseTemplate(text, 'angle');
  const refusal = refuseReference(`argument ${index + 1}`, text);
  if (refusal !== undefined) throw refusal;
  return text;
}

const argumentForms: Forms = 'angle';

function refuseReference(place: string, text: string): BrokerError | undefined {
  if (!hasReference(text, argumentForms)) return undefined;
  const found = parseTemplate(text, argumentForms).find((part) => typeof part !== 'string');
  if (found === undefined || typeof found === 'string') return undefined;
  const reference = formatReference(found);
  const name = found.kind === 'variable' ? found.name : 'NAME';
  return new BrokerError(
    'ERR_REFERENCE_IN_ARGUMENT',
    `${place} holds the reference ${reference}, and every process can read arguments`,
    { hint: `pass it in the environment: mcp exec --env ${name}='${reference}' -- COMMAND` },
  );
}

function isReferenceFree(template: Template): boolean {
  return template.every((part) => typeof part === 'string');
}
