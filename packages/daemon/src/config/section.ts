import * as z from 'zod/mini';

type Camel<Key extends string> = Key extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : Key;

type Renamed<Fields, Names> = {
  [
    Key in keyof Fields as Key extends keyof Names
      ? Extract<Names[Key], string>
      : Camel<Extract<Key, string>>
  ]: Fields[Key];
};

type FieldsOf<Shape extends z.core.$ZodShape> = z.core.output<
  z.ZodMiniObject<Shape, z.core.$strict>
>;

type Section<Shape extends z.core.$ZodShape, Names> = z.ZodMiniPipe<
  z.ZodMiniObject<Shape, z.core.$strict>,
  z.ZodMiniTransform<Renamed<FieldsOf<Shape>, Names>, FieldsOf<Shape>>
>;

/**
 * A mapping with these keys and no others. Its keys come out in camel case, or as `names` has them: a
 * duration `ttl` comes out as `ttlMs`.
 */
export function section<
  Shape extends z.core.$ZodShape,
  const Names extends Record<string, string> = {},
>(shape: Shape, names?: Names): Section<Shape, Names> {
  const keys = Object.keys(shape);
  const object = z.strictObject(shape, {
    // An issue has no other room for what would have been right; `problemsOf` reads it.
    error: ({ code }) => (code === 'unrecognized_keys' ? keys.join(' ') : undefined),
  });
  return z.pipe(
    object,
    z.transform(
      (fields: FieldsOf<Shape>) =>
        Object.fromEntries(
          Object.entries(fields).map(([key, value]) => [names?.[key] ?? camel(key), value]),
        ) as Renamed<FieldsOf<Shape>, Names>,
    ),
  );
}

/** The same kind of value, with what the JSON Schema and the documentation say of it here. */
export function described<Schema extends z.ZodMiniType>(
  schema: Schema,
  description: string,
): Schema {
  const own = schema.clone();
  z.globalRegistry.add(own, { description });
  return own;
}

function camel(key: string): string {
  return key.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** Names of the user's own. Without a prototype, so that `constructor` is a name like any other. */
export function record<Value>(
  name: z.ZodMiniType<string, string>,
  value: z.ZodMiniType<Value>,
): z.ZodMiniType<Readonly<Record<string, Value>>, Record<string, unknown>> {
  return z.pipe(
    z.record(name, value),
    z.transform((entries: Record<string, Value>): Readonly<Record<string, Value>> =>
      Object.assign(Object.create(null) as Record<string, Value>, entries),
    ),
  );
}
