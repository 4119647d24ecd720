import type { BrokerError } from '@mcp-broker/providers/errors';
import type { ClientRules } from './clients.ts';
import type { Document } from './document.ts';
import type { Entry, Piece } from './entry.ts';
import type { Place, Surroundings } from './expand.ts';
import { badFile } from './problem.ts';

export interface FoundEntry {
  readonly file: string;
  readonly name: string;
  /** The keys that lead to it. */
  readonly path: readonly string[];
  readonly document: Document;
}

type Fields = Readonly<Record<string, unknown>>;

/** What makes an entry one of another kind: it is not started, it is connected to. */
const remoteKeys = ['url', 'serverUrl', 'httpUrl'];

/** Reads one entry as its client would. Throws `ERR_CONFIG` with the line, and `ERR_DENIED` when it is switched off. */
export function readClientEntry(
  found: FoundEntry,
  value: unknown,
  rules: ClientRules,
  at: Surroundings,
): Omit<Entry, 'origin'> {
  const fields = mapping(found, value, []);
  const bad = (key: string, what: string): BrokerError => problem(found, [key], what);
  requireEnabled(found, fields);
  const nested = fields['command'];
  // Zed's older form: what is run stands below `command`, and `path` names the program.
  const isNested = rules.key === 'context_servers' && isMapping(nested);
  const from = isNested ? { ...nested, command: nested['path'] } : fields;
  if (from['command'] === undefined) throw noCommand(found, fields);
  if (from['envFile'] !== undefined) {
    throw bad('envFile', 'a file of variables is not read: name them in `env`, as references');
  }

  const expanded = (given: string, place: Place = 'elsewhere'): readonly Piece[] =>
    rules.expand(given, at, place);
  const command = text(from['command'], () => bad('command', 'command has to be text'));
  if (command === '') throw bad('command', 'command is empty');
  const args = list(from['args'], () => bad('args', 'args has to be a list of text'));
  const env = Object.entries(
    from['env'] === undefined ? {} : mapping(found, from['env'], ['env']),
  ).flatMap(([name, given]) => {
    // VS Code takes a variable away with it.
    if (given === null && rules.key === 'servers') return [];
    const plain = typeof given === 'number' && rules.key === 'servers' ? String(given) : given;
    const wrong = (): BrokerError => problem(found, ['env', name], `env ${name} has to be text`);
    return [{ name, text: expanded(text(plain, wrong), 'environment') }];
  });
  const cwd =
    from['cwd'] === undefined
      ? undefined
      : text(from['cwd'], () => bad('cwd', 'cwd has to be text'));
  return {
    command: expanded(command),
    args: args.map((arg) => expanded(arg)),
    env,
    ...(cwd === undefined || cwd === '' ? {} : { cwd: expanded(cwd) }),
    inherits: inheritsOf(found, fields, rules),
  };
}

/** Codex hands on what `env_vars` names, too. */
function inheritsOf(
  found: FoundEntry,
  fields: Fields,
  { key, inherits }: ClientRules,
): Entry['inherits'] {
  const given = fields['env_vars'];
  if (key !== 'mcp_servers' || given === undefined || inherits === 'all') return inherits;
  const wrong = (): BrokerError =>
    problem(found, ['env_vars'], 'env_vars has to be a list of names');
  if (!Array.isArray(given)) throw wrong();
  const names = new Set(
    given.flatMap((one: unknown) => {
      if (!isMapping(one)) return [text(one, wrong)];
      // Of a machine elsewhere.
      return one['source'] === 'remote' ? [] : [text(one['name'], wrong)];
    }),
  );
  return (name) => inherits(name) || names.has(name);
}

function requireEnabled(found: FoundEntry, fields: Fields): void {
  const key = fields['disabled'] === true ? 'disabled' : 'enabled';
  if (key === 'enabled' && fields['enabled'] !== false) return;
  throw problem(found, [key], 'it is switched off here');
}

function noCommand(found: FoundEntry, fields: Fields): BrokerError {
  const remote = remoteKeys.find((key) => fields[key] !== undefined);
  return remote === undefined
    ? problem(found, [], 'it has no command')
    : problem(found, [remote], 'it is a remote server, which this version does not connect to');
}

function problem(
  { file, name, path, document }: FoundEntry,
  below: readonly string[],
  what: string,
): BrokerError {
  return badFile(file, document.lineOf([...path, ...below]), `server ${name}: ${what}`);
}

function mapping(found: FoundEntry, value: unknown, below: readonly string[]): Fields {
  if (isMapping(value)) return value;
  throw problem(found, below, `${below.at(-1) ?? 'it'} has to hold names with values`);
}

export function isMapping(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: unknown, wrong: () => BrokerError): string {
  if (typeof value !== 'string' || value.includes('\0')) throw wrong();
  return value;
}

function list(value: unknown, wrong: () => BrokerError): readonly string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw wrong();
  return value.map((one: unknown) => text(one, wrong));
}
