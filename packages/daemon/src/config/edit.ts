import { isDeepStrictEqual } from 'node:util';
import { BrokerError } from '@mcp-broker/providers/errors';
import {
  isMap,
  isScalar,
  isSeq,
  parseDocument,
  stringify,
  type Document,
  type Pair,
  type YAMLMap,
} from 'yaml';
import { formatPath, type Path } from './problem.ts';
import { readYaml } from './yaml.ts';

const format = { lineWidth: 0, schema: 'core' } as const;

/**
 * The text of a config file with one value set, or with `undefined` taken away. Every byte that is not of
 * that key stays as it is, comments and order with them, where the text allows it; else the text is
 * laid out anew, and comments and order stay. The text has been read without a problem before.
 */
export function setInText(text: string, path: Path, value: unknown): string {
  // As the reader has it. Here it would lead to what all objects of this process share.
  if (path.includes('__proto__')) {
    throw new BrokerError('ERR_CONFIG', `${formatPath(path)}: __proto__ is not a name`, {
      hint: 'choose another name',
    });
  }
  const data = dataOf(text);
  const wanted = withValue(data, path, value);
  if (isDeepStrictEqual(plain(data), wanted)) return text;
  for (const edit of [splice, layOut]) {
    const next = edit(text, path, value);
    if (next === undefined) continue;
    const yaml = readYaml(next);
    if ('data' in yaml && isDeepStrictEqual(plain(yaml.data), wanted)) return next;
  }
  throw new BrokerError('ERR_CONFIG', `${formatPath(path)} cannot be set in a file like this`, {
    hint: 'mcp config edit',
  });
}

function dataOf(text: string): unknown {
  const yaml = readYaml(text);
  if (!('data' in yaml)) throw new TypeError('the text was not read before');
  return yaml.data;
}

function plain(data: unknown): unknown {
  return JSON.parse(JSON.stringify(data));
}

/** What the data are to be afterwards. */
function withValue(data: unknown, path: Path, value: unknown): unknown {
  const root: unknown = plain(data);
  let holder = root as Record<string, unknown>;
  for (const [at, part] of path.slice(0, -1).entries()) {
    const next = holder[part];
    if (typeof next !== 'object' || next === null) {
      if (value === undefined) return root;
      holder[part] = typeof path[at + 1] === 'number' ? [] : {};
    }
    holder = holder[part] as Record<string, unknown>;
  }
  const last = path.at(-1) ?? '';
  if (value !== undefined) holder[last] = plain(value);
  else if (Array.isArray(holder)) holder.splice(Number(last), 1);
  else delete holder[last];
  return root;
}

/** The text with the one place changed; undefined when it has a form that this does not know. */
function splice(text: string, path: Path, value: unknown): string | undefined {
  const document = parseDocument(text, { ...format, stringKeys: true });
  const { map, pair, holder, depth } = find(document, path);
  if (map === undefined) {
    if (value !== undefined && holder !== undefined && depth < path.length) {
      return fill(text, holder, path.slice(depth), value);
    }
    const isEmpty = document.contents === null || isNull(document.contents);
    return value !== undefined && isEmpty && depth === 0
      ? join(text, text.length, block(path, value, ''))
      : undefined;
  }
  if (pair === undefined) {
    return value === undefined
      ? undefined
      : insert(text, map, path.slice(depth), value, depth === 0);
  }
  if (value === undefined) return remove(text, map, pair, holder);
  return replace(text, pair, value);
}

interface Found {
  /** The innermost mapping on the way that is there, */
  readonly map?: YAMLMap;
  /** how many parts of the path lead to it, */
  readonly depth: number;
  /** and the pair in it, when the whole path leads somewhere. */
  readonly pair?: Pair;
  /** The pair that the mapping is the value of; without a mapping, one of the way that has nothing behind it. */
  readonly holder?: Pair | undefined;
}

function find(document: Document.Parsed, path: Path): Found {
  let node: unknown = document.contents;
  let holder: Pair | undefined;
  for (const [depth, part] of path.entries()) {
    if (isSeq(node) && typeof part === 'number') {
      node = node.items[part];
      holder = undefined;
    } else if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === part);
      if (pair === undefined) return { map: node, depth, holder };
      if (depth === path.length - 1) return { map: node, depth, pair, holder };
      node = pair.value;
      holder = pair;
    } else {
      return { depth, holder: isNull(node) ? holder : undefined };
    }
  }
  return { depth: path.length };
}

function replace(text: string, { value: old }: Pair, value: unknown): string | undefined {
  const range = rangeOf(old);
  if (range === undefined) return undefined;
  const isLine = isScalar(old)
    ? old.type?.startsWith('BLOCK') !== true
    : isSeq(old) && old.flow === true;
  if (!isLine || (typeof value === 'object' && !isWords(value))) return undefined;
  const [start, end] = range;
  const gap = text[start - 1] === ':' ? ' ' : '';
  return `${text.slice(0, start)}${gap}${flow(value)}${text.slice(end)}`;
}

function insert(
  text: string,
  map: YAMLMap,
  path: Path,
  value: unknown,
  isTop: boolean,
): string | undefined {
  const first = map.items[0];
  const last = map.items.at(-1);
  const start = rangeOf(first?.key)?.[0];
  const end = (rangeOf(last?.value) ?? rangeOf(last?.key))?.[1];
  if (start === undefined || end === undefined) return undefined;
  if (map.flow === true) {
    const [key = '', ...rest] = path;
    return `${text.slice(0, end)}, ${flow(key)}: ${flow(nested(rest, value))}${text.slice(end)}`;
  }
  const indent = text.slice(text.lastIndexOf('\n', start - 1) + 1, start);
  if (/\S/.test(indent)) return undefined;
  const isSpaced = isTop && /\n\s*\n/.test(text);
  return join(text, endOfLine(text, end), `${isSpaced ? '\n' : ''}${block(path, value, indent)}`);
}

/** Below a key with nothing behind it, before the comments that stand there. */
function fill(text: string, { key }: Pair, path: Path, value: unknown): string | undefined {
  const [start, end] = rangeOf(key) ?? [];
  if (start === undefined || end === undefined) return undefined;
  const indent = text.slice(text.lastIndexOf('\n', start - 1) + 1, start);
  if (/\S/.test(indent)) return undefined;
  return join(text, endOfLine(text, end), block(path, value, `${indent}  `));
}

function remove(
  text: string,
  map: YAMLMap,
  { key, value }: Pair,
  holder: Pair | undefined,
): string | undefined {
  const start = rangeOf(key)?.[0];
  const end = (rangeOf(value) ?? rangeOf(key))?.[1];
  if (map.flow === true || start === undefined || end === undefined) return undefined;
  const from = text.lastIndexOf('\n', start - 1) + 1;
  if (/\S/.test(text.slice(from, start))) return undefined;
  const rest = text.slice(endOfLine(text, end));
  if (map.items.length > 1) return text.slice(0, from) + rest;
  // The last of its mapping, which is an empty one then.
  const colon = text.indexOf(':', rangeOf(holder?.key)?.[1] ?? from);
  if (colon < 0 || colon >= from) return undefined;
  return `${text.slice(0, colon + 1)} {}${text.slice(colon + 1, from)}${rest}`;
}

/** The whole text, laid out anew. */
function layOut(text: string, path: Path, value: unknown): string {
  const document = parseDocument(text, { ...format, stringKeys: true });
  if (value === undefined) {
    document.deleteIn(path);
    // The same node: it has the comments.
    const holder = document.getIn(path.slice(0, -1));
    if (isMap(holder) && holder.items.length === 0) holder.flow = true;
  } else {
    // What has nothing behind it holds no key.
    const empty = path.findIndex((_, at) => isNull(document.getIn(path.slice(0, at), true)));
    if (empty > 0) document.setIn(path.slice(0, empty), nested(path.slice(empty), value));
    else document.setIn(path, document.createNode(value));
  }
  const next = document.toString({ lineWidth: 0 });
  return text.includes('\r\n') ? next.replaceAll(/\r?\n/g, '\r\n') : next;
}

function isNull(node: unknown): boolean {
  return isScalar(node) && node.value === null;
}

/** The value as that of the last part, in mappings of the others. */
function nested(path: Path, value: unknown): unknown {
  return path.reduceRight(
    (inner: unknown, part) => (typeof part === 'number' ? [inner] : { [part]: inner }),
    value,
  );
}

/** Whole lines for a mapping of blocks. A list of words stays on one line. */
function block(path: Path, value: unknown, indent: string): string {
  const lines = stringify(nested(path, value), format);
  const text = isWords(value)
    ? stringify(nested(path, 0), format).replace(/0\n$/, `${flow(value)}\n`)
    : lines;
  return text.replaceAll(/^(?=.)/gm, indent);
}

function isWords(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item !== 'object');
}

/** On one line, wherever it stands. */
function flow(value: unknown): string {
  if (typeof value === 'object' && value !== null) {
    if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
    const pairs = Object.entries(value).map(([key, below]) => `${flow(key)}: ${flow(below)}`);
    return `{${pairs.join(', ')}}`;
  }
  const text = stringify(value, format).trimEnd();
  const isSafe = typeof value !== 'string' || /^["']|^[\w./@~<>$:+-]+$/.test(text);
  return isSafe && !text.includes('\n') ? text : JSON.stringify(value);
}

function join(text: string, at: number, lines: string): string {
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const before = text.slice(0, at);
  const gap = before === '' || before.endsWith('\n') ? '' : eol;
  return `${before}${gap}${lines.replaceAll('\n', eol)}${text.slice(at)}`;
}

/** Where the next line begins; a comment behind the value belongs to it. */
function endOfLine(text: string, at: number): number {
  if (at > 0 && text[at - 1] === '\n') return at;
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end + 1;
}

function rangeOf(node: unknown): readonly [number, number, number] | undefined {
  if (!isMap(node) && !isSeq(node) && !isScalar(node)) return undefined;
  return node.range ?? undefined;
}
