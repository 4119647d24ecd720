import type { Shape } from '../../packages/cli/src/results/shape.ts';

/** What of a value does not fit its schema: one line for each place; none when all fits. */
export function misfits(value: unknown, shape: Shape, path = '.'): readonly string[] {
  const { anyOf, enum: words, type, properties, items, additionalProperties, format } = shape;
  if (anyOf !== undefined) {
    const tries = anyOf.map((one) => misfits(value, one, path));
    // The nearest, as far as it is the one with the fewest complaints.
    return tries.reduce((best, one) => (one.length < best.length ? one : best));
  }
  if (words !== undefined && !words.includes(value as string)) {
    return [`${path} is none of ${words.join(', ')}: ${JSON.stringify(value)}`];
  }
  if (type !== undefined && kindOf(value) !== type) return [`${path} is no ${String(type)}`];
  if (format === 'date-time' && new Date(String(value)).toISOString() !== value) {
    return [`${path} is no time in ISO 8601, UTC`];
  }
  if (items !== undefined) {
    return (value as unknown[]).flatMap((item, at) => misfits(item, items, `${path}[${at}]`));
  }
  if (
    kindOf(value) !== 'object' ||
    (properties === undefined && additionalProperties === undefined)
  )
    return [];
  const members = Object.entries(value as object);
  const missing = (shape.required ?? []).filter((name) => !Object.hasOwn(value as object, name));
  return [
    ...missing.map((name) => `${path}${name} is missing`),
    ...members.flatMap(([name, below]) => {
      const own = properties?.[name] ?? additionalProperties;
      if (own === undefined || own === false) return [`${path}${name} is not documented`];
      return misfits(below, own, `${path}${name}.`);
    }),
  ];
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}
