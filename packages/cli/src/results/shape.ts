/** The part of JSON Schema (2020-12) that results need. */
export interface Shape {
  /** Of what several results have: it is described once. */
  readonly title?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly enum?: readonly (string | boolean)[];
  readonly format?: 'date-time';
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Shape | false;
  readonly items?: Shape;
  readonly anyOf?: readonly Shape[];
}

type Make = (description?: string) => Shape;

const described = (shape: Shape, description?: string): Shape =>
  description === undefined ? shape : { ...shape, description };

export const text: Make = (about) => described({ type: 'string' }, about);
export const whole: Make = (about) => described({ type: 'integer' }, about);
export const flag: Make = (about) => described({ type: 'boolean' }, about);
export const time: Make = (about) => described({ type: 'string', format: 'date-time' }, about);
/** Whatever stands in a file of the user's. */
export const anything: Make = (about) => described({}, about);

export function oneOf(words: readonly string[], about?: string): Shape {
  return described({ type: 'string', enum: words }, about);
}

export function exactly(value: boolean): Shape {
  return { type: 'boolean', enum: [value] };
}

export function orNull(shape: Shape): Shape {
  const { description, ...rest } = shape;
  return described({ anyOf: [rest, { type: 'null' }] }, description);
}

export function either(...shapes: readonly Shape[]): Shape {
  return { anyOf: shapes };
}

export function list(items: Shape, about?: string): Shape {
  return described({ type: 'array', items }, about);
}

/** These members and no others; a name that ends in `?` may be missing. */
export function record(members: Readonly<Record<string, Shape>>, about?: string): Shape {
  const names = Object.keys(members);
  const properties = Object.fromEntries(
    Object.entries(members).map(([name, shape]) => [name.replace(/\?$/, ''), shape]),
  );
  const required = names.filter((name) => !name.endsWith('?'));
  return described({ type: 'object', properties, required, additionalProperties: false }, about);
}

/** Names that are not ours. */
export function named(values: Shape, about?: string): Shape {
  return described({ type: 'object', additionalProperties: values }, about);
}

export function titled(title: string, shape: Shape): Shape {
  return { title, ...shape };
}
