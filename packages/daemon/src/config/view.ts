import { builtIn } from './backends.ts';
import { configJsonSchema, type SchemaNode } from './json-schema.ts';
import { formatKey } from './key.ts';
import { formatPath, type Path, type Problem } from './problem.ts';
import { isSecretKey, secretProblem } from './secret-keys.ts';
import { suggest } from './suggest.ts';

/** One key that counts, and where it stands. */
export interface ConfigEntry {
  readonly key: string;
  /** As it would stand in the file. */
  readonly value: unknown;
  readonly origin: 'file' | 'default';
}

type Data = Readonly<Record<string, unknown>>;

let known: SchemaNode | undefined;

/** What the schema of the file says of the key at this path, or why there is no such key. */
export function schemaAt(path: Path, data: unknown): SchemaNode | Problem {
  let node = (known ??= configJsonSchema());
  let value = data;
  for (const [depth, part] of path.entries()) {
    const next = below(node, part, value);
    if (next === undefined) return noKey(path.slice(0, depth + 1), namesBelow(node, value));
    node = next;
    value = isData(value) ? value[part] : undefined;
  }
  return node;
}

function below(node: SchemaNode, part: string | number, data: unknown): SchemaNode | undefined {
  if (typeof part === 'number') return node.items;
  const { properties, additionalProperties } = ofKind(node, data, part);
  if (properties !== undefined) {
    return Object.hasOwn(properties, part) ? properties[part] : undefined;
  }
  return typeof additionalProperties === 'object' ? additionalProperties : undefined;
}

/** Of several kinds that which the data are of; while they do not say, one that knows the key. */
function ofKind(node: SchemaNode, data: unknown, part?: string): SchemaNode {
  if (node.oneOf === undefined) return node;
  const kind = isData(data) ? data['kind'] : undefined;
  const found = node.oneOf.find(({ properties }) => properties?.['kind']?.const === kind);
  if (found !== undefined) return found;
  const fitting = node.oneOf.find(
    ({ properties }) => part !== undefined && Object.hasOwn(properties ?? {}, part),
  );
  return fitting ?? node.oneOf[0] ?? node;
}

function namesBelow(node: SchemaNode, data: unknown): readonly string[] {
  return Object.keys(ofKind(node, data).properties ?? {});
}

function noKey(path: Path, names: readonly string[]): Problem {
  if (isSecretKey(path)) return secretProblem(path, 0);
  const meant = suggest(String(path.at(-1)), names);
  const holder = path.slice(0, -1);
  return {
    path,
    line: 0,
    message: 'unknown key',
    hint:
      meant !== undefined
        ? `did you mean ${formatKey([...holder, meant])}?`
        : names.length === 0
          ? `${formatPath(holder)} has no keys of its own`
          : `known here: ${names.join(', ')}`,
  };
}

/** What counts at this key: what stands in the file, with the defaults of what does not. */
export function effective(node: SchemaNode, data: unknown): unknown {
  const { properties, additionalProperties } = ofKind(node, data);
  if (properties !== undefined) {
    if (data === undefined && node.default === undefined) return undefined;
    const given = isData(data) ? data : {};
    const pairs = Object.entries(properties).map(
      ([name, inner]) => [name, effective(inner, given[name])] as const,
    );
    return Object.fromEntries(pairs.filter(([, value]) => value !== undefined));
  }
  if (typeof additionalProperties === 'object' && isData(data)) {
    return Object.fromEntries(
      Object.entries(data).map(([name, value]) => [name, effective(additionalProperties, value)]),
    );
  }
  const { items } = node;
  if (items !== undefined && Array.isArray(data)) return data.map((item) => effective(items, item));
  return data ?? node.default;
}

/** The data with the backends that exist without an entry. */
export function withBuiltIn(data: unknown): unknown {
  const given = isData(data) ? data : {};
  const own = isData(given['backends']) ? given['backends'] : {};
  const always = Object.entries(builtIn).map(([name, kind]) => [name, { kind }] as const);
  return { ...given, backends: { ...Object.fromEntries(always), ...own } };
}

/** Every key that counts, in the order of the schema. */
export function listEntries(data: unknown): ConfigEntry[] {
  const entries: ConfigEntry[] = [];
  const walk = (node: SchemaNode, value: unknown, path: Path): void => {
    const { properties, additionalProperties } = ofKind(node, value);
    if (properties !== undefined) {
      if (value === undefined && node.default === undefined && path.length > 0) return;
      for (const [name, inner] of Object.entries(properties)) {
        walk(inner, isData(value) ? value[name] : undefined, [...path, name]);
      }
    } else if (typeof additionalProperties === 'object') {
      const own = isData(value) ? value : {};
      for (const [name, inner] of Object.entries(own)) {
        walk(additionalProperties, inner, [...path, name]);
      }
      if (path.length === 1 && path[0] === 'backends') addBuiltIn(own);
    } else if (node.items?.properties !== undefined) {
      const { items } = node;
      const list = Array.isArray(value) ? value : [];
      for (const [index, item] of list.entries()) walk(items, item, [...path, index]);
    } else if (value !== undefined) {
      entries.push({ key: formatKey(path), value, origin: 'file' });
    } else if (node.default !== undefined) {
      entries.push({ key: formatKey(path), value: node.default, origin: 'default' });
    }
  };
  const addBuiltIn = (own: Data): void => {
    for (const [name, kind] of Object.entries(builtIn)) {
      if (Object.hasOwn(own, name)) continue;
      entries.push({ key: `backends.${name}.kind`, value: kind, origin: 'default' });
    }
  };
  walk((known ??= configJsonSchema()), data, []);
  return entries;
}

function isData(value: unknown): value is Data {
  return typeof value === 'object' && value !== null;
}
