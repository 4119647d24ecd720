import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import type { BrokerError } from '@mcp-broker/providers/errors';
import { isWithin } from '../grants/grant.ts';
import { clientEnvironment } from './client-environment.ts';
import type { ClientRules } from './clients.ts';
import { textOf, type Entry, type Piece } from './entry.ts';
import type { Place, Surroundings } from './expand.ts';
import { isMapping } from './document.ts';
import { list, mapping, problem, text, type Fields, type FoundEntry } from './fields.ts';
import { openClientFile } from './open-file.ts';

/** What makes an entry one of another kind: it is not started, it is connected to. */
const remoteKeys = ['url', 'serverUrl', 'httpUrl'];

/** Reads one entry as its client would. Throws `ERR_CONFIG` with the line, also when it is switched off. */
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
  if (from['sandboxEnabled'] === true) {
    throw bad('sandboxEnabled', 'it is to run in a sandbox of VS Code, and mcp has none');
  }

  const expanded = (given: string, place: Place = 'elsewhere'): readonly Piece[] =>
    rules.expand(given, at, place);
  const path = (given: string): readonly Piece[] => withHome(expanded(given), rules, at);
  const command = text(from['command'], () => bad('command', 'command has to be text'));
  if (command === '') throw bad('command', 'command is empty');
  const args = list(from['args'], () => bad('args', 'args has to be a list of text'));
  const { env, without } = clientEnvironment(found, from, rules, {
    expanded: (given) => expanded(given, 'environment'),
    file: fileOf(found, from['envFile'], rules, at),
    hasPath: (at.valueOf('PATH')?.length ?? 0) > 0,
  });
  const cwd = folderOf(
    found,
    from['cwd'] === undefined
      ? []
      : path(text(from['cwd'], () => bad('cwd', 'cwd has to be text'))),
    rules,
    at,
  );
  return {
    command: path(command),
    args: args.map(path),
    env,
    ...(cwd === undefined ? {} : { cwd }),
    inherits: without.size === 0 ? rules.inherits : (name) => !without.has(name),
    ...namedOf(found, fields, rules),
  };
}

/** VS Code takes `~` for the home folder. */
function withHome(
  pieces: readonly Piece[],
  { key }: ClientRules,
  { home }: Surroundings,
): readonly Piece[] {
  const [first, ...others] = pieces;
  if (key !== 'servers' || first?.kind !== 'raw' || !/^~(?:\/|$)/.test(first.text)) return pieces;
  return [{ kind: 'fixed', text: home }, { ...first, text: first.text.slice(1) }, ...others];
}

function folderOf(
  { project }: FoundEntry,
  given: readonly Piece[],
  { startsIn }: ClientRules,
  { home, valueOf }: Surroundings,
): Entry['cwd'] {
  if (startsIn === undefined) return given.length === 0 ? undefined : given;
  const base = project ?? home;
  return [{ kind: 'fixed', text: resolve(base, textOf(given, valueOf)) }];
}

/**
 * What the `envFile` holds. One of the project alone, and of the project that the entry itself really lies in: the
 * daemon is no way to other files for whoever was kept away from them and can write an entry, or exchange links.
 */
function fileOf(
  found: FoundEntry,
  given: unknown,
  rules: ClientRules,
  at: Surroundings,
): string | undefined {
  if (given === undefined) return undefined;
  const { file, realPath, name, project } = found;
  const bad = (what: string): BrokerError => problem(found, ['envFile'], what);
  const instead = 'name its variables in `env`, as references';
  if (rules.envFile === undefined || project === undefined) {
    throw bad(`its envFile is not read: ${instead}`);
  }
  const path = text(given, () => bad('envFile has to be text'));
  const expanded = textOf(withHome(rules.expand(path, at, 'elsewhere'), rules, at), at.valueOf);
  const opened = openClientFile(
    resolve(project, expanded),
    found.isShown,
    `correct the envFile of server ${name} in ${file}`,
  );
  const realProject = realpathSync.native(project);
  if (![opened.realPath, realPath].every((one) => isWithin(one, realProject))) {
    throw bad(`its envFile or the file itself lies outside of the project: ${instead}`);
  }
  return opened.text;
}

/** Codex hands on what `env_vars` names, too. */
function namedOf(
  found: FoundEntry,
  fields: Fields,
  { key, inherits }: ClientRules,
): Partial<Pick<Entry, 'inherits' | 'named'>> {
  const given = fields['env_vars'];
  if (key !== 'mcp_servers' || given === undefined || inherits === 'all') return {};
  const bad = (what: string): BrokerError => problem(found, ['env_vars'], what);
  const wrong = (): BrokerError => bad('env_vars has to be a list of names');
  if (!Array.isArray(given)) throw wrong();
  const named = given.map((one: unknown) => {
    if (!isMapping(one)) return text(one, wrong);
    if ((one['source'] ?? 'local') !== 'local') {
      throw bad('env_vars names a variable of another machine');
    }
    return text(one['name'], wrong);
  });
  return { named, inherits: (name, value) => inherits(name, value) || named.includes(name) };
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
    : problem(
        found,
        [remote],
        'it is a remote server, which this version does not connect to',
        `edit ${found.file}, or leave this server to its client`,
      );
}
