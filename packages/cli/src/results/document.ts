import { results, type Result } from './results.ts';
import type { Shape } from './shape.ts';

/** One JSON Schema for all results: `$defs` by command. */
export function resultsSchema(): object {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'What the commands of MCP Broker print with --json',
    $defs: Object.fromEntries(results.map(({ command, shape }) => [nameOf(command), shape])),
  };
}

/** A section for each command with a table of its members, then one for what several of them have, in Markdown. */
export function resultsTables(): string {
  const shared = new Map<string, Shape>();
  const sections = results.map((result) => section(result, shared));
  for (const [title, shape] of shared) {
    sections.push(`### ${title}\n\n${tablesOf({ ...shape, title: '' }, shared)}`);
  }
  return sections.join('\n');
}

function section({ command, shape, lines }: Result, shared: Map<string, Shape>): string {
  const stream = lines === true ? 'One document a line.\n\n' : '';
  return `### \`${nameOf(command)}\`\n\n${stream}${tablesOf(shape, shared)}`;
}

/** One table, or one for each form that the document can have. */
function tablesOf(shape: Shape, shared: Map<string, Shape>): string {
  const { anyOf } = shape;
  if (anyOf !== undefined) {
    return anyOf.map((one) => `When ${one.description}:\n\n${tablesOf(one, shared)}`).join('\n');
  }
  const { description: _description, ...root } = shape;
  const rows = rowsOf('', root, { optional: false, shared });
  const lines = rows.map(([key, form, meaning]) => `| \`${key}\` | ${form} | ${meaning} |`);
  return `${['| member | form | meaning |', '|---|---|---|', ...lines].join('\n')}\n`;
}

function nameOf(command: string): string {
  return `mcp ${command}`.trim();
}

type Row = readonly [key: string, form: string, meaning: string];

interface Walk {
  readonly optional: boolean;
  readonly shared: Map<string, Shape>;
}

function rowsOf(key: string, shape: Shape, { optional, shared }: Walk): Row[] {
  const { title, properties, items, additionalProperties, description = '' } = shape;
  const own = (form: string): Row => [
    key === '' ? '.' : key,
    `${form}${optional ? ', may be missing' : ''}`,
    description,
  ];
  if (title) {
    shared.set(title, shape);
    return [own(link(title))];
  }
  if (properties !== undefined) {
    const below = Object.entries(properties).flatMap(([name, inner]) => {
      const isMissing = shape.required?.includes(name) !== true;
      const path = key === '' ? name : `${key}.${name}`;
      return rowsOf(path, inner, { optional: isMissing, shared });
    });
    return key === '' || key.endsWith('[]') ? below : [own('object'), ...below];
  }
  if (items !== undefined) {
    if (items.title) shared.set(items.title, items);
    if (items.properties === undefined || items.title) return [own(`list of ${formOf(items)}`)];
    const below = rowsOf(`${key}[]`, items, { optional: false, shared });
    return key === '' ? below : [own('list of objects'), ...below];
  }
  if (typeof additionalProperties === 'object') {
    const below = rowsOf(key === '' ? 'NAME' : `${key}.NAME`, additionalProperties, {
      optional: false,
      shared,
    });
    return [own('object'), ...below];
  }
  return [own(formOf(shape))];
}

function link(title: string): string {
  return `[${title}](#${title.toLowerCase().replaceAll(' ', '-')})`;
}

function formOf({ title, type, format, enum: words, anyOf }: Shape): string {
  if (title) return link(title);
  if (anyOf !== undefined) return anyOf.map(formOf).join(' or ');
  if (words !== undefined) return words.map((word) => `\`${word}\``).join(', ');
  if (format !== undefined) return 'time (ISO 8601, UTC)';
  switch (type) {
    case undefined:
      return 'any JSON';
    case 'string':
      return 'text';
    case 'integer':
      return 'number';
    default:
      return String(type);
  }
}
