import { z } from 'zod';
import { BrokerError } from '@mcp-broker/providers/errors';
import type { Cancel, Hello, Method, Methods } from './messages.ts';

// The daemon runs without `eval`; this keeps zod from trying it.
z.config({ jitless: true });

/** Counts UTF-16 units. What a name or a path may be is the handlers' business: they say it better. */
function text(max: number): z.ZodType<string> {
  return z
    .string()
    .max(max)
    .refine((value) => !value.includes('\0'));
}

const none = z.strictObject({});
const name = text(1024).refine((value) => value !== '');
const path = text(4096);
const claim = text(256);
/** The kernel takes no longer argument or environment entry. */
const argument = text(131_072);
const many = 10_000;

const entry = z.strictObject({
  name: text(1024),
  value: argument,
  origin: z.enum(['inherited', 'entry']),
});

const params = {
  'broker.hello': z.strictObject({ protocol: z.int().min(0), client: claim.exactOptional() }),
  'broker.status': none,
  'broker.stop': none,
  'config.reload': none,
  'sealed.create': none,
  'sealed.unlock': none,
  'sealed.lock': none,
  'secret.set': z.strictObject({ name, backend: name.exactOptional() }),
  'secret.list': z.strictObject({ backend: name.exactOptional() }),
  'secret.show': z.strictObject({ name }),
  'secret.remove': z.strictObject({ name }),
  'cache.clear': z.strictObject({ names: z.array(name).max(many).exactOptional() }),
  'launch.request': z.strictObject({
    command: path.refine((value) => value !== ''),
    args: z.array(argument).max(many),
    path: argument.nullable(),
    environment: z.array(entry).max(many),
    allowArgs: z.boolean().exactOptional(),
    server: claim.exactOptional(),
  }),
  'launch.take': z.strictObject({ ticket: name }),
  'approval.list': none,
  'approval.open': z.strictObject({ id: name }),
  'approval.grant': z.strictObject({ id: name, fingerprint: name, code: name.exactOptional() }),
  'audit.tail': z.strictObject({
    lines: z.int().min(0).max(many),
    follow: z.boolean().exactOptional(),
  }),
} satisfies { readonly [M in Method]: z.ZodType<Methods[M]['params']> };

/** The members of each method's params, and whether each may be left out; for what checks the document. */
export const requestMembers: Readonly<Record<Method, Readonly<Record<string, boolean>>>> =
  Object.fromEntries(
    Object.entries(params).map(([method, { shape }]) => [
      method,
      Object.fromEntries(
        Object.entries<z.ZodType>(shape).map(([member, schema]) => [
          member,
          schema.safeParse(undefined).success || schema instanceof z.ZodExactOptional,
        ]),
      ),
    ]),
  ) as Record<Method, Record<string, boolean>>;

const cancel: z.ZodType<Cancel['params']> = z.strictObject({ id: z.int().min(0) });

/** How many attachments a method takes; without an entry, none. */
const attachmentCounts: Partial<Record<Method, readonly [least: number, most: number]>> = {
  'secret.set': [1, 1],
  'sealed.create': [0, 1],
  'sealed.unlock': [0, 1],
  'approval.grant': [0, 1],
};

/** The params as the method takes them. Throws `ERR_USAGE`, which names the member and not its value. */
export function checkRequest<M extends Method>(
  method: M,
  value: unknown,
  attachments: number,
): Methods[M]['params'] {
  const [least, most] = attachmentCounts[method] ?? [0, 0];
  if (attachments < least || attachments > most) {
    const number = least === most ? `${most}` : `${least} to ${most}`;
    throw misuse(method, `the number of attachments has to be ${number}`);
  }
  // The table's type says that each schema is that of its method.
  const schema = params[method] as unknown as z.ZodType<Methods[M]['params']>;
  return parse(schema, method, value);
}

/** Throws `ERR_USAGE`. */
export function readHello(value: unknown): Hello {
  return parse(params['broker.hello'], 'broker.hello', value);
}

/** Throws `ERR_USAGE`. */
export function readCancel(value: unknown): Cancel['params'] {
  return parse(cancel, 'request.cancel', value);
}

function parse<T>(schema: z.ZodType<T>, method: string, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw misuse(method, issue === undefined ? 'the params are not valid' : describe(issue));
}

/** In our own words: the library's may quote what was given. */
function describe(issue: z.core.$ZodIssue): string {
  let member = 'params';
  for (const key of issue.path) {
    member += typeof key === 'number' ? `[${key}]` : `.${String(key)}`;
  }
  if (issue.code === 'invalid_type') return `\`${member}\` is missing or is no ${issue.expected}`;
  return `\`${member}\` ${problems[issue.code] ?? 'is not valid'}`;
}

const problems: Partial<Record<z.core.$ZodIssue['code'], string>> = {
  unrecognized_keys: 'has a member that the method does not know',
  too_big: 'is too long or too large',
  too_small: 'is too short or too small',
};

function misuse(method: string, problem: string): BrokerError {
  return new BrokerError('ERR_USAGE', `${method}: ${problem}`, { hint: 'see docs/PROTOCOL.md' });
}
