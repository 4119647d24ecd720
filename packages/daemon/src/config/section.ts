import * as z from 'zod';

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

type Section<Shape extends z.ZodRawShape, Names> = z.ZodPipe<
  z.ZodObject<Shape, z.core.$strict>,
  z.ZodTransform<
    Renamed<z.core.output<z.ZodObject<Shape, z.core.$strict>>, Names>,
    z.core.output<z.ZodObject<Shape, z.core.$strict>>
  >
>;

/**
 * A mapping with these keys and no others. Its keys come out in camel case, or as `names` has them: a
 * duration `ttl` comes out as `ttlMs`.
 */
export function section<
  Shape extends z.ZodRawShape,
  const Names extends Record<string, string> = {},
>(shape: Shape, names?: Names): Section<Shape, Names> {
  const keys = Object.keys(shape);
  const object = z.strictObject(shape, {
    // An issue has no other room for what would have been right; `problemsOf` reads it.
    error: ({ code }) => (code === 'unrecognized_keys' ? keys.join(' ') : undefined),
  });
  return object.transform(
    (fields) =>
      Object.fromEntries(
        Object.entries(fields).map(([key, value]) => [names?.[key] ?? camel(key), value]),
      ) as Renamed<typeof fields, Names>,
  );
}

function camel(key: string): string {
  return key.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** Names of the user's own. Without a prototype, so that `constructor` is a name like any other. */
export function record<Value>(
  name: z.ZodType<string, string>,
  value: z.ZodType<Value>,
): z.ZodType<Readonly<Record<string, Value>>, Record<string, unknown>> {
  return z
    .record(name, value)
    .transform((entries): Readonly<Record<string, Value>> =>
      Object.assign(Object.create(null) as Record<string, Value>, entries),
    );
}
