import { getNodeValue, parseTree, type Node, type ParseError } from 'jsonc-parser';
import { parse as parseToml, TomlError } from 'smol-toml';
import { badFile } from './problem.ts';

/** What a file says, and where. */
export interface Document {
  readonly data: unknown;
  /** From 1; undefined where the format does not tell. */
  lineOf(path: readonly string[]): number | undefined;
}

export interface JsonRules {
  readonly comments: boolean;
  readonly trailingCommas: boolean;
}

/** Both parsers call themselves for what lies in brackets. Those in a text count too, so it is a high number. */
const maxBrackets = 1000;

/** Throws `ERR_CONFIG` with the line, and nothing of what stands there. */
export function readJson(file: string, text: string, rules: JsonRules): Document {
  const problems: ParseError[] = [];
  const root = shallow(file, text, () =>
    parseTree(text, problems, {
      disallowComments: !rules.comments,
      allowTrailingComma: rules.trailingCommas,
    }),
  );
  const [problem] = problems;
  if (problem !== undefined || root === undefined) {
    throw badFile(file, lineAt(text, problem?.offset ?? 0), 'this is not valid JSON');
  }
  return {
    data: valueOf(root),
    lineOf(path) {
      const offset = offsetOf(root, path);
      return offset === undefined ? undefined : lineAt(text, offset);
    },
  };
}

export function readToml(file: string, text: string): Document {
  try {
    return { data: shallow(file, text, () => parseToml(text)), lineOf: () => undefined };
  } catch (error) {
    // Its message quotes the file.
    if (error instanceof TomlError) throw badFile(file, error.line, 'this is not valid TOML');
    throw error;
  }
}

function shallow<Result>(file: string, text: string, parse: () => Result): Result {
  let depth = 0;
  let deepest = 0;
  for (const character of text) {
    if (character === '{' || character === '[') deepest = Math.max(deepest, (depth += 1));
    else if (character === '}' || character === ']') depth -= 1;
  }
  if (deepest > maxBrackets) throw badFile(file, undefined, 'too many brackets inside each other');
  return parse();
}

/** Without prototypes, so that `__proto__` and `constructor` are names like any other; the last of two counts. */
function valueOf(node: Node): unknown {
  if (node.type === 'array') return (node.children ?? []).map(valueOf);
  if (node.type !== 'object') return getNodeValue(node) as unknown;
  const object = Object.create(null) as Record<string, unknown>;
  for (const { children } of node.children ?? []) {
    const [key, value] = children ?? [];
    if (key !== undefined && value !== undefined) object[String(key.value)] = valueOf(value);
  }
  return object;
}

/** What the keys lead to; undefined where one is not there. */
export function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (below, key) => (isMapping(below) && Object.hasOwn(below, key) ? below[key] : undefined),
    value,
  );
}

export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function offsetOf(root: Node, path: readonly string[]): number | undefined {
  let node: Node | undefined = root;
  let offset: number | undefined;
  for (const key of path) {
    const property: Node | undefined = node?.children?.findLast(
      ({ children }) => children?.[0]?.value === key,
    );
    node = property?.children?.[1];
    offset = property?.offset;
  }
  return offset;
}

function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) {
    line += 1;
  }
  return line;
}
