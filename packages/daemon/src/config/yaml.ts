import {
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document,
  type ErrorCode,
  type Pair,
  type YAMLMap,
} from 'yaml';
import type { Path, Problem } from './problem.ts';
import { scanYaml } from './yaml-scan.ts';

/** The file's data, and where each part of it stands. */
export interface YamlFile {
  /** Objects without a prototype, arrays, text, numbers, booleans and null. */
  readonly data: unknown;
  /** The line of the key or list item at the path, or of what is nearest to it. */
  readonly lineOf: (path: Path) => number;
}

/** As the file is read: what is larger could be written, and no longer be opened. */
const maxBytes = 1024 * 1024;

/** Plain words for the codes of the parser, whose own messages quote the file. */
const meanings: Partial<Record<ErrorCode, string>> = {
  BAD_DQ_ESCAPE: 'a backslash in double quotes begins no known escape',
  BAD_INDENT: 'the indentation does not fit the lines above',
  BAD_SCALAR_START: 'text that begins with this character needs quotes',
  BLOCK_AS_IMPLICIT_KEY: 'text with a colon and a space in it needs quotes',
  BLOCK_IN_FLOW: 'a block cannot stand inside braces or brackets',
  KEY_OVER_1024_CHARS: 'a key is too long',
  MISSING_CHAR: 'a colon, comma, quote or bracket is missing',
  MULTILINE_IMPLICIT_KEY: 'a key needs a colon and a space after it, on one line',
  MULTIPLE_DOCS: 'a second document cannot stand here',
  TAB_AS_INDENT: 'a tab cannot indent: use spaces',
};

/** The data, or what keeps it from being read. */
export function readYaml(text: string): YamlFile | readonly Problem[] {
  if (Buffer.byteLength(text) > maxBytes) {
    return [{ path: [], line: 1, message: 'the file is larger than 1 MiB' }];
  }
  const refusal = scanYaml(text);
  if (refusal !== undefined) {
    return [{ path: [], line: lineAt(text, refusal.offset), message: refusal.message }];
  }
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    // Not 'silent', which also hides a second document.
    logLevel: 'error',
    schema: 'core',
    stringKeys: true,
    // Compares each key with each other one; the walk below does it with a set.
    uniqueKeys: false,
  });
  // Later ones are mostly consequences of the first.
  const [error] = document.errors.sort((a, b) => a.pos[0] - b.pos[0]);
  if (error !== undefined) {
    const message = meanings[error.code] ?? 'this is not valid YAML';
    return [{ path: [], line: lines.linePos(error.pos[0]).line, message }];
  }
  const walk = new Walk(lines);
  // A file of comments alone has no keys, rather than being something else.
  const data = walk.value(document.contents, []) ?? {};
  if (walk.problems.length > 0) return walk.problems;
  const index = indexOnce();
  return { data, lineOf: (path) => lineOf(document, lines, index, path) };
}

class Walk {
  readonly problems: Problem[] = [];
  readonly #lines: LineCounter;

  constructor(lines: LineCounter) {
    this.#lines = lines;
  }

  value(node: unknown, path: Path): unknown {
    if (isMap(node)) return this.#map(node, path);
    if (isSeq(node)) return node.items.map((item, index) => this.value(item, [...path, index]));
    return isScalar(node) ? node.value : null;
  }

  #map(map: YAMLMap, path: Path): Record<string, unknown> {
    const data: Record<string, unknown> = Object.create(null);
    const first = new Map<string, number>();
    for (const pair of map.items) {
      const key = keyOf(pair);
      const line = this.#lines.linePos(offsetOf(pair.key) ?? 0).line;
      const earlier = first.get(key);
      if (pair.value === null) {
        // `{hunter2}`: what stands there was perhaps never meant to be a key, and is not named.
        this.problems.push({ path, line, message: 'a key needs a colon and a value' });
      } else if (key === '__proto__') {
        this.problems.push({ path: [...path, key], line, message: 'is not a name' });
      } else if (earlier === undefined) {
        first.set(key, line);
        data[key] = this.value(pair.value, [...path, key]);
      } else {
        this.problems.push({
          path: [...path, key],
          line,
          message: `already stands on line ${earlier}`,
        });
      }
    }
    return data;
  }
}

type Index = (map: YAMLMap) => ReadonlyMap<string, Pair>;

/** Thousands of wrong keys in one mapping would otherwise be looked for one by one. */
function indexOnce(): Index {
  const known = new WeakMap<YAMLMap, Map<string, Pair>>();
  return (map) => {
    const index = known.get(map) ?? new Map(map.items.map((pair) => [keyOf(pair), pair]));
    known.set(map, index);
    return index;
  };
}

function lineOf(document: Document.Parsed, lines: LineCounter, index: Index, path: Path): number {
  let node: unknown = document.contents;
  let offset = offsetOf(node) ?? 0;
  for (const part of path) {
    if (isMap(node)) {
      const pair: Pair | undefined = index(node).get(String(part));
      if (pair === undefined) break;
      offset = offsetOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node) && typeof part === 'number') {
      node = node.items[part];
      offset = offsetOf(node) ?? offset;
    } else {
      break;
    }
  }
  return lines.linePos(offset).line;
}

function keyOf(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
}

function offsetOf(node: unknown): number | undefined {
  if (!isMap(node) && !isSeq(node) && !isScalar(node)) return undefined;
  return node.range?.[0];
}

function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1))
    line++;
  return line;
}
