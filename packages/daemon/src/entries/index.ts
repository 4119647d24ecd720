import { clientByKeys, clientOf, projectOf, type ClientRules } from './clients.ts';
import { readClientEntry } from './client-entry.ts';
import { isMapping, readJson, readToml, valueAt, type Document } from './document.ts';
import type { Entry } from './entry.ts';
import { openClientFile } from './open-file.ts';
import { badFile, unknownName } from './problem.ts';
import { serversOf } from './sections.ts';
import type { RequireShown } from './shown.ts';
import { switchOf } from './switched-off.ts';

export { configuredEntry } from './configured.ts';

export interface EntryQuestion {
  /** An absolute path. */
  readonly file: string;
  readonly name: string;
  /** Where the launch was asked for. */
  readonly workingDirectory: string;
  readonly home: string;
  /** Of the environment that the launch came with. */
  valueOf(name: string): Uint8Array | undefined;
  readonly isShown: RequireShown;
}

/**
 * Reads one entry of a client's file as that client would. Throws `ERR_NOT_FOUND` when there is no such
 * file or name, `ERR_INSECURE_FILE`, `ERR_CONFIG` for what is wrong in the file, and `NotShown`.
 */
export function readEntry(question: EntryQuestion): Entry {
  const { file, name, workingDirectory, home, valueOf, isShown } = question;
  const { realPath, text } = openClientFile(file, isShown);
  const byName = clientOf(file);
  const document = readDocument(file, text, byName);
  if (!isMapping(document.data)) throw badFile(file, 1, 'it does not hold names with values');
  const rules = clientByKeys(byName, Object.keys(document.data));
  const servers = serversOf(file, document, document.data, rules, workingDirectory);
  const path = servers.find(({ names }) => names.includes(name))?.path;
  if (path === undefined) {
    throw unknownName(name, file, [...new Set(servers.flatMap(({ names }) => names))]);
  }
  const off = switchOf(document.data, rules, name, servers);
  if (off !== undefined) {
    const what = `server ${name}: it is switched off by ${off.join(' ')}`;
    throw badFile(file, document.lineOf(off), what);
  }
  const project = projectOf(file, home);
  const found = { file, realPath, name, path: [...path, name], document, project, isShown };
  const entry = readClientEntry(found, valueAt(document.data, found.path), rules, {
    workspace: project ?? workingDirectory,
    home,
    valueOf,
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
