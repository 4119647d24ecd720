import type { SchemaNode as Node } from './json-schema.ts';

interface Row {
  readonly key: string;
  readonly value: string;
  readonly meaning: string;
}

/** Tables of every key, one for each section, in Markdown. */
export function configTables(schema: object): string {
  const sections = Object.entries((schema as Node).properties ?? {});
  return sections
    .map(([name, node]) => {
      const required = (schema as Node).required?.includes(name) ?? false;
      const rows = rowsOf(name, node, required);
      return [
        `### \`${name}\``,
        '',
        '| key | default | meaning |',
        '|---|---|---|',
        ...rows.map(({ key, value, meaning }) => `| \`${key}\` | ${value} | ${meaning} |`),
        '',
      ].join('\n');
    })
    .join('\n');
}

function rowsOf(key: string, node: Node, required: boolean): Row[] {
  if (node.oneOf !== undefined) return kindRows(key, node.oneOf);
  if (node.properties !== undefined) {
    const own = node.description === undefined ? [] : [rowOf(key, node, required)];
    return [...own, ...propertyRows(key, node)];
  }
  if (typeof node.additionalProperties === 'object') {
    const below = rowsOf(`${key}.NAME`, node.additionalProperties, false);
    return node.additionalProperties.type === 'string'
      ? [{ ...rowOf(`${key}.NAME`, node, required), value: '' }]
      : [rowOf(key, node, required), ...below];
  }
  if (node.items?.properties !== undefined) {
    return [rowOf(key, node, required), ...propertyRows(`${key}[]`, node.items)];
  }
  return [rowOf(key, node, required)];
}

/** The keys of each kind of backend, then once those that all kinds share. */
function kindRows(key: string, kinds: readonly Node[]): Row[] {
  const [first, ...others] = kinds.map(({ properties }) => properties ?? {});
  const shared = Object.keys(first ?? {}).filter((name) => others.every((keys) => name in keys));
  const rows = kinds.flatMap((node) => [
    {
      key: `${key}.kind: ${node.properties?.['kind']?.const}`,
      value: '',
      meaning: node.properties?.['kind']?.description ?? '',
    },
    ...propertyRows(key, node, (name) => !shared.includes(name)),
  ]);
  const [any] = kinds;
  const isShared = (name: string): boolean => name !== 'kind' && shared.includes(name);
  return any === undefined ? rows : [...rows, ...propertyRows(key, any, isShared)];
}

function propertyRows(key: string, node: Node, wanted = (_name: string): boolean => true): Row[] {
  return Object.entries(node.properties ?? {})
    .filter(([name]) => wanted(name))
    .flatMap(([name, property]) =>
      rowsOf(`${key}.${name}`, property, node.required?.includes(name) ?? false),
    );
}

function rowOf(key: string, node: Node, required: boolean): Row {
  const allowed = node.enum === undefined ? '' : ` One of ${node.enum.map(code).join(', ')}.`;
  return {
    key,
    value: required ? 'required' : defaultOf(node),
    meaning: `${node.description ?? ''}${allowed}`.trim(),
  };
}

function defaultOf({ default: value }: Node): string {
  if (value === undefined) return '';
  const isEmpty = typeof value === 'object' && value !== null && Object.keys(value).length === 0;
  return isEmpty ? '' : code(typeof value === 'string' ? value : JSON.stringify(value));
}

function code(text: string): string {
  return `\`${text}\``;
}
