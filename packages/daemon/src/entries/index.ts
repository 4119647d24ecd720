import { dirname } from 'node:path';
import { clientByKeys, clientOf, projectOf, type ClientRules } from './clients.ts';
import { isMapping, readClientEntry } from './client-entry.ts';
import { readJson, readToml, type Document } from './document.ts';
import type { Entry } from './entry.ts';
import { openClientFile } from './open-file.ts';
import { badFile, unknownName } from './problem.ts';

export { configuredEntry } from './configured.ts';

export interface EntryQuestion {
  /** An absolute path. */
  readonly file: string;
  readonly name: string;
  /** Where the launch was asked for. */
  readonly workingDirectory: string;
  readonly home: string;
  /** Of the environment that the launch came with. */
  isSet(name: string): boolean;
}

/**
 * Reads one entry of a client's file as that client would. Throws `ERR_NOT_FOUND` when there is no such
 * file or name, `ERR_INSECURE_FILE`, and `ERR_CONFIG` for what is wrong in the file.
 */
export function readEntry(question: EntryQuestion): Entry {
  const { file, name, workingDirectory, home, isSet } = question;
  const { realPath, text } = openClientFile(file);
  const byName = clientOf(file);
  const document = readDocument(file, text, byName);
  if (!isMapping(document.data)) throw badFile(file, 1, 'it does not hold names with values');
  const rules = clientByKeys(byName, Object.keys(document.data));
  const servers = serversOf(file, document, document.data, rules, workingDirectory);
  const path = servers.find(({ names }) => names.includes(name))?.path;
  if (path === undefined) {
    throw unknownName(name, file, [...new Set(servers.flatMap(({ names }) => names))]);
  }
  const found = { file, name, path: [...path, name], document };
  const entry = readClientEntry(found, at(document.data, found.path), rules, {
    workspace: projectOf(file, home) ?? workingDirectory,
    home,
    isSet,
    entry: `server ${name} of ${file}`,
  });
  return { ...entry, origin: originOf(name, realPath, rules.name) };
}

/** The name is quoted, so that no other file and name are written alike. */
function originOf(name: string, file: string, client: string): string {
  return `${JSON.stringify(name)} of ${file}, read as ${client} does`;
}

function readDocument(file: string, text: string, { format }: ClientRules): Document {
  if (format === 'toml') return readToml(file, text);
  return readJson(file, text, {
    comments: format !== 'json',
    trailingCommas: format === 'jsonc',
  });
}

interface Servers {
  readonly path: readonly string[];
  readonly names: readonly string[];
}

/** The sections with servers; of two with the same name the first counts. */
function serversOf(
  file: string,
  document: Document,
  data: Readonly<Record<string, unknown>>,
  { key, projects }: ClientRules,
  workingDirectory: string,
): readonly Servers[] {
  const paths: (readonly string[])[] = [[key]];
  if (projects === true && isMapping(data['projects'])) {
    const project = nearest(data['projects'], workingDirectory);
    if (project !== undefined) paths.unshift(['projects', project, key]);
  }
  return paths.flatMap((path) => {
    const section = at(data, path);
    if (section === undefined) return [];
    if (isMapping(section)) return [{ path, names: Object.keys(section) }];
    throw badFile(file, document.lineOf(path), `${key} has to hold names with values`);
  });
}

function nearest(projects: Readonly<Record<string, unknown>>, folder: string): string | undefined {
  if (Object.hasOwn(projects, folder)) return folder;
  const above = dirname(folder);
  return above === folder ? undefined : nearest(projects, above);
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (below, key) => (isMapping(below) && Object.hasOwn(below, key) ? below[key] : undefined),
    value,
  );
}
