import { isMapping, readJson, readToml, valueAt, type Document } from '../entries/document.ts';
import { openClientFile } from '../entries/open-file.ts';
import { badFile } from '../entries/problem.ts';
import { readYaml } from '../config/yaml.ts';
import type { ClientPlace, Shape } from './places.ts';

/** A server as a client's file has it, before the client's own rules. It may hold secrets. */
export interface ClientServer {
  readonly name: string;
  /** The folder of the section that it stands in, for a file with sections for projects. */
  readonly project?: string;
  /** Program and arguments; empty for a remote server, and for what no client would start. */
  readonly command: readonly string[];
  /** What it sets in the environment: texts alone. */
  readonly env: Readonly<Record<string, string>>;
  /** Where it is, if it is not started but connected to. */
  readonly url?: string;
  /** Its client leaves it out. */
  readonly disabled: boolean;
  /** Every text of it, with the keys that lead there from the entry on. */
  readonly texts: readonly ClientText[];
}

export interface ClientText {
  readonly keys: readonly string[];
  readonly text: string;
  /** From 1; undefined where the format does not tell. */
  readonly line: number | undefined;
}

/**
 * The servers of one file, in its order; undefined when there is no file. Read more kindly than its client would:
 * comments and commas too many are passed over. Throws `ERR_INSECURE_FILE`, `ERR_CHANGED`, and `ERR_CONFIG`,
 * of which none says what stands there.
 */
export function readClientFile({ file, shape }: ClientPlace): readonly ClientServer[] | undefined {
  let text: string;
  try {
    text = openClientFile(file, () => undefined).text;
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_NOT_FOUND') return undefined;
    throw error;
  }
  // An editor leaves an empty file for what nobody has set.
  if (text.trim() === '') return [];
  const document = readDocument(file, text, shape.format);
  return sectionsOf(document.data, shape).flatMap(({ path, project }) =>
    entriesOf(valueAt(document.data, path), path).map(([name, value, at]) => ({
      ...serverOf(name, value, at, document),
      ...(project === undefined ? {} : { project }),
    })),
  );
}

function readDocument(file: string, text: string, format: Shape['format']): Document {
  if (format === 'toml') return readToml(file, text);
  if (format === 'json') return readJson(file, text, { comments: true, trailingCommas: true });
  const read = readYaml(text);
  if ('data' in read) return read;
  throw badFile(file, read[0]?.line, 'this is not valid YAML');
}

interface Section {
  readonly path: readonly string[];
  readonly project?: string;
}

function sectionsOf(data: unknown, { key, projects }: Shape): readonly Section[] {
  const below = projects === true ? valueAt(data, ['projects']) : undefined;
  return [
    { path: [key] },
    ...(isMapping(below)
      ? Object.keys(below).map((project) => ({ path: ['projects', project, key], project }))
      : []),
  ];
}

type Found = readonly [
  name: string,
  value: Readonly<Record<string, unknown>>,
  path: readonly string[],
];

function entriesOf(section: unknown, path: readonly string[]): readonly Found[] {
  if (Array.isArray(section)) {
    return section.flatMap((value: unknown, index): Found[] => {
      const name = isMapping(value) ? value['name'] : undefined;
      return isMapping(value) && typeof name === 'string'
        ? [[name, value, [...path, String(index)]]]
        : [];
    });
  }
  if (!isMapping(section)) return [];
  return Object.entries(section).flatMap(([name, value]): Found[] =>
    isMapping(value) ? [[name, value, [...path, name]]] : [],
  );
}

function serverOf(
  name: string,
  value: Readonly<Record<string, unknown>>,
  path: readonly string[],
  document: Document,
): ClientServer {
  // Cline's command and Zed's older form put it one level down.
  const nested = [value['transport'], value['command']].find(isMapping);
  const from = nested === undefined ? value : { ...value, ...nested };
  const url = first(from, ['url', 'serverUrl', 'httpUrl', 'uri']);
  return {
    name,
    command: commandOf(from),
    env: textsIn(from['env'] ?? from['environment'] ?? from['envs']),
    ...(typeof url === 'string' ? { url } : {}),
    disabled: value['disabled'] === true || value['enabled'] === false,
    texts: textsOf(value, []).map(([keys, text]) => ({
      keys,
      text,
      line: lineOf(document, [...path, ...keys]),
    })),
  };
}

/** Of what is nearest to it: a parser may know no lines of the items of a list. */
function lineOf(document: Document, path: readonly string[]): number | undefined {
  if (path.length === 0) return undefined;
  return document.lineOf(path) ?? lineOf(document, path.slice(0, -1));
}

/** Each client has its own name for the program; OpenCode keeps it and the arguments in one list. */
function commandOf(from: Readonly<Record<string, unknown>>): readonly string[] {
  const command = first(from, ['command', 'path', 'cmd']);
  const args: unknown = from['args'];
  const words: unknown[] = [command, Array.isArray(args) ? args : []].flat(2);
  const [program] = words;
  if (typeof program !== 'string' || program === '') return [];
  return words.filter((word) => typeof word === 'string');
}

function first(from: Readonly<Record<string, unknown>>, keys: readonly string[]): unknown {
  return keys.map((key) => from[key]).find((value) => value !== undefined && !isMapping(value));
}

function textsIn(value: unknown): Readonly<Record<string, string>> {
  if (!isMapping(value)) return {};
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, text]) =>
      typeof text === 'string' ? [[key, text] as const] : [],
    ),
  );
}

function textsOf(
  value: unknown,
  keys: readonly string[],
): readonly (readonly [keys: readonly string[], text: string])[] {
  if (typeof value === 'string') return [[keys, value]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, below]) => textsOf(below, [...keys, key]));
}
