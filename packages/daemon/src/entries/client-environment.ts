import type { BrokerError } from '@mcp-broker/providers/errors';
import type { ClientRules } from './clients.ts';
import type { Entry, Piece } from './entry.ts';
import { raw } from './entry.ts';
import { readEnvFile } from './env-file.ts';
import { mapping, problem, text, type Fields, type FoundEntry } from './fields.ts';

interface Given {
  /** Text of the `envFile`: `env` comes before it. */
  readonly file: string | undefined;
  readonly expanded: (text: string) => readonly Piece[];
  /** The client has a PATH of its own. */
  readonly hasPath: boolean;
}

export interface ClientEnvironment {
  readonly env: Entry['env'];
  /** Names that the server does not get, although the client has them. */
  readonly without: ReadonlySet<string>;
}

/** What an entry sets, as its client would. Throws `ERR_CONFIG` with the line. */
export function clientEnvironment(
  found: FoundEntry,
  fields: Fields,
  { key }: ClientRules,
  { file, expanded, hasPath }: Given,
): ClientEnvironment {
  const isCode = key === 'servers';
  const ownPath: Piece = { kind: 'inherited', name: 'PATH', text: '${env:PATH}' };
  const set = new Map<string, readonly Piece[]>();
  const without = new Set<string>();
  for (const [name, value] of file === undefined ? [] : readEnvFile(file)) {
    set.set(name, raw(requireName(found, ['envFile'], name, value)));
  }
  const env = fields['env'] === undefined ? {} : mapping(found, fields['env'], ['env']);
  for (const [name, given] of Object.entries(env)) {
    // VS Code takes a variable away with it.
    if (given === null && isCode) {
      set.delete(name);
      without.add(name);
      continue;
    }
    const wrong = (): BrokerError => problem(found, ['env', name], `env ${name} has to be text`);
    const plain = typeof given === 'number' && isCode ? String(given) : given;
    const pieces = expanded(requireName(found, ['env', name], name, text(plain, wrong)));
    // VS Code adds to its own PATH.
    const before = isCode && name === 'PATH' ? (set.get(name) ?? (hasPath ? [ownPath] : [])) : [];
    const colon: readonly Piece[] = before.length === 0 ? [] : [{ kind: 'fixed', text: ':' }];
    set.set(name, [...before, ...colon, ...pieces]);
  }
  return { env: [...set].map(([name, pieces]) => ({ name, text: pieces })), without };
}

/** The value of a name that an environment can have. */
function requireName(
  found: FoundEntry,
  below: readonly string[],
  name: string,
  value: string,
): string {
  const at = below.join(' ');
  if (name === '' || /[=\0]/.test(name)) {
    throw problem(found, below, `${at}: a name is empty, or holds = or NUL`);
  }
  if (value.includes('\0')) throw problem(found, below, `${at}: ${name} holds a NUL`);
  return value;
}
