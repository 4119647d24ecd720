import { BrokerError, isVariableName, type SecretSummary } from '@mcp-broker/daemon/protocol';

import { generate } from '../input/generate.ts';
import { asksForValue, readValue, type ValueSource } from '../input/secret.ts';
import { age, duration } from '../output/duration.ts';
import { pairs, table } from '../output/table.ts';
import { unlockFirst, whileUnlocked } from './locking.ts';
import type { Session } from './session.ts';

export interface SetSecretInput {
  readonly name: string;
  readonly backend: string | undefined;
  readonly source: ValueSource | { readonly generate: number };
}

export async function setSecret(input: SetSecretInput, session: Session): Promise<number> {
  const { name, backend, source } = input;
  requireName(name);
  // Before a person types what could not be kept.
  if (!('generate' in source) && asksForValue(session, source)) await unlockFirst(session);
  const value =
    'generate' in source ? generate(source.generate) : await readValue(session, name, source);
  try {
    const { result } = await whileUnlocked(session, (client) =>
      client.call(
        'secret.set',
        { name, ...(backend === undefined ? {} : { backend }) },
        { attachments: [value] },
      ),
    );
    const verb = result.created ? 'stored' : 'replaced';
    const done = `${verb} ${result.name} in ${result.backend}`;
    const same = `${result.name} in ${result.backend} has this value already`;
    session.output.done(result.changed ? done : same, result);
    if (result.entry === true) {
      session.output.note(
        `${result.name} leads there now: its entry under variables in config.yaml`,
      );
    }
    if (!('generate' in source) && endsInOneLineFeed(value)) {
      session.output.note('the value ends in a line feed, which is kept: `printf %s` gives none');
    }
    return 0;
  } finally {
    value.fill(0);
  }
}

/** As `echo` gives it; a text of several lines, such as a key, may well end in one. */
function endsInOneLineFeed(value: Buffer): boolean {
  return value.indexOf(0x0a) === value.length - 1;
}

export async function listSecrets(
  input: { readonly backend: string | undefined },
  session: Session,
): Promise<number> {
  const { backend } = input;
  const { result } = await whileUnlocked(session, (client) =>
    client.call('secret.list', backend === undefined ? {} : { backend }),
  );
  const now = session.now();
  const { output } = session;
  output.result(
    table(
      ['NAME', 'BACKEND', 'VERSION', 'AGE', 'TTL', 'CACHED'],
      result.secrets.map((secret) => [
        secret.name,
        secret.backend,
        secret.version,
        age(secret.updated ?? secret.created, now),
        duration(secret.ttlMs),
        cached(secret),
      ]),
      output.columns,
    ),
    result.secrets,
  );
  if (result.secrets.length === 0) output.note('no secrets yet: mcp secret set NAME');
  return 0;
}

export async function showSecret(
  input: { readonly name: string },
  session: Session,
): Promise<number> {
  requireName(input.name);
  const { result } = await whileUnlocked(session, (client) =>
    client.call('secret.show', { name: input.name }),
  );
  session.output.result(
    pairs(
      [
        ['name', result.name],
        ['backend', result.backend],
        ['locator', result.locator],
        ['version', result.version],
        ['created', result.created],
        ['updated', result.updated],
        ['ttl', duration(result.ttlMs)],
        ['cached', cached(result)],
      ],
      session.output.columns,
    ),
    result,
  );
  return 0;
}

export async function removeSecret(
  input: { readonly name: string },
  session: Session,
): Promise<number> {
  requireName(input.name);
  const { result } = await whileUnlocked(session, (client) =>
    client.call('secret.remove', { name: input.name }),
  );
  session.output.done(`removed ${result.name} from ${result.backend}`, result);
  return 0;
}

export async function moveSecret(
  input: { readonly name: string; readonly to: string | undefined },
  session: Session,
): Promise<number> {
  const { name, to } = input;
  requireName(name);
  if (to === undefined) {
    throw new BrokerError('ERR_USAGE', 'the backend to move it to is missing', {
      hint: `mcp secret mv ${name} --to keychain`,
    });
  }
  const { result } = await whileUnlocked(session, (client) =>
    client.call('secret.move', { name, to }),
  );
  const { from, removed } = result;
  const moved = `moved ${name} from ${from} to ${to}`;
  session.output.done(removed ? moved : `${name} is in ${to} already`, result);
  if (removed) session.output.note('launches that use it ask for approval once more');
  return 0;
}

function cached({ cachedMs }: SecretSummary): string | undefined {
  return cachedMs === undefined ? undefined : duration(cachedMs);
}

/** Before anything is asked for or sent. The name is not repeated: it may be a value in its place. */
export function requireName(name: string): void {
  if (isVariableName(name)) return;
  throw new BrokerError(
    'ERR_USAGE',
    name.includes('=')
      ? 'a value was given with the name, where every process can read it'
      : 'this is not a name for a variable',
    {
      hint: name.includes('=')
        ? 'give the name alone: the value is asked for, or comes with --stdin or --fd'
        : 'a name is letters, digits and _, does not begin with a digit, and has at most 128 of them',
    },
  );
}
