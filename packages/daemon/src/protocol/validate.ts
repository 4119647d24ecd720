import * as z from 'zod/mini';
import { BrokerError } from '@mcp-broker/providers/errors';
import type { EnvironmentEntry, Lifetime } from './approvals.ts';
import type { Cancel, EntryLaunchRequest, Hello, Method, Methods } from './messages.ts';

// The daemon runs without `eval`; this keeps zod from trying it.
z.config({ jitless: true });

/** Counts UTF-16 units. What a name or a path may be is the handlers' business: they say it better. */
function text(max: number): z.ZodMiniType<string> {
  return z.string().check(
    z.maxLength(max),
    z.refine((value) => !value.includes('\0')),
  );
}

function count(most: number): z.ZodMiniType<number> {
  return z.int().check(z.gte(0), z.lte(most));
}

function list<T>(item: z.ZodMiniType<T>): z.ZodMiniType<T[]> {
  return z.array(item).check(z.maxLength(many));
}

const notEmpty = z.refine<string>((value) => value !== '');
const name = text(1024).check(notEmpty);
const path = text(4096);
const claim = text(256);
/** The kernel takes no longer argument or environment entry. */
const argument = text(131_072);
const many = 10_000;

/** A client that waits holds a connection; nobody means to wait longer. */
const maxWaitMs = 60 * 60 * 1000;

/** What the kernel's type has room for. */
const maxPid = 2 ** 31 - 1;

const lifetime = (): z.ZodMiniType<Lifetime> =>
  z.union([
    z.enum(['once', 'session', 'always']),
    z.int().check(z.gte(1), z.lte(Number.MAX_SAFE_INTEGER)),
  ]);

const none = (): z.ZodMiniObject<{}, z.core.$strict> => z.strictObject({});

const environment = (): z.ZodMiniType<EnvironmentEntry[]> =>
  list(
    z.strictObject({
      name: text(1024),
      value: argument,
      origin: z.enum(['inherited', 'entry']),
    }),
  );

/** The form of `launch.request` that names an entry. */
const entryLaunch = (): z.ZodMiniType<EntryLaunchRequest> & z.ZodMiniObject =>
  z.strictObject({
    entry: z.strictObject({
      file: z.exactOptional(path.check(notEmpty)),
      name: claim.check(notEmpty),
      shown: z.exactOptional(
        list(
          z.strictObject({
            path: path.check(notEmpty),
            sha256: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
          }),
        ),
      ),
    }),
    environment: environment(),
    allowArgs: z.exactOptional(z.boolean()),
    server: z.exactOptional(claim),
    waitMs: z.exactOptional(count(maxWaitMs)),
  });

/** What each method takes; built when it is first called, since most daemons see few of the methods. */
const params = {
  'broker.hello': () =>
    z.strictObject({
      protocol: count(Number.MAX_SAFE_INTEGER),
      client: z.exactOptional(claim),
    }),
  'broker.status': none,
  'broker.stop': none,
  'config.reload': none,
  'keychain.create': none,
  'sealed.create': none,
  'sealed.unlock': none,
  'sealed.lock': none,
  'secret.set': () => z.strictObject({ name, backend: z.exactOptional(name) }),
  'secret.list': () => z.strictObject({ backend: z.exactOptional(name) }),
  'secret.show': () => z.strictObject({ name }),
  'secret.open': () => z.strictObject({ name }),
  'secret.reveal': () => z.strictObject({ name, code: z.exactOptional(name) }),
  'secret.remove': () => z.strictObject({ name }),
  'secret.move': () => z.strictObject({ name, to: name }),
  'cache.clear': () => z.strictObject({ names: z.exactOptional(list(name)) }),
  'launch.request': () =>
    z.strictObject({
      command: path.check(notEmpty),
      args: list(argument),
      path: z.nullable(argument),
      environment: environment(),
      allowArgs: z.exactOptional(z.boolean()),
      server: z.exactOptional(claim),
      waitMs: z.exactOptional(count(maxWaitMs)),
    }),
  'launch.take': () => z.strictObject({ ticket: name, replace: z.exactOptional(z.boolean()) }),
  'launch.started': () => z.strictObject({ launch: name, pid: count(maxPid) }),
  'launch.ended': () => z.strictObject({ launch: name, exit: count(255) }),
  'approval.list': none,
  'approval.open': () => z.strictObject({ id: name }),
  'approval.grant': () =>
    z.strictObject({
      id: name,
      fingerprint: name,
      variables: z.exactOptional(list(name)),
      lifetime: z.exactOptional(lifetime()),
      workspace: z.exactOptional(path.check(notEmpty)),
      code: z.exactOptional(name),
    }),
  'approval.deny': () => z.strictObject({ id: name, lifetime: z.exactOptional(lifetime()) }),
  'grant.list': none,
  'grant.revoke': () =>
    z.strictObject({
      id: z.exactOptional(name),
      server: z.exactOptional(claim),
      all: z.exactOptional(z.boolean()),
    }),
  'backend.list': none,
  'backend.test': () => z.strictObject({ name }),
  'secret.history': () => z.strictObject({ name }),
  'audit.verify': none,
  'audit.tail': () => z.strictObject({ lines: count(many), follow: z.exactOptional(z.boolean()) }),
} satisfies { readonly [M in Method]: () => z.ZodMiniType<Methods[M]['params']> };

/** The members of each method's params, and whether each may be left out; for what checks the document. */
export function requestMembers(): Record<string, Record<string, boolean>> {
  return Object.fromEntries(
    Object.entries(params).map(([method, build]) => [
      method,
      Object.fromEntries(
        Object.entries<z.ZodMiniType>({
          ...build().shape,
          ...(method === 'launch.request' ? entryLaunch().shape : {}),
        }).map(([member, schema]) => [member, schema instanceof z.ZodMiniExactOptional]),
      ),
    ]),
  );
}

const cancel = (): z.ZodMiniType<Cancel['params']> =>
  z.strictObject({ id: count(Number.MAX_SAFE_INTEGER) });

type Build<T> = () => z.ZodMiniType<T>;

const built = new Map<() => unknown, unknown>();

function schemaOf<T>(build: Build<T>): z.ZodMiniType<T> {
  const schema = (built.get(build) as z.ZodMiniType<T> | undefined) ?? build();
  built.set(build, schema);
  return schema;
}

/** How many attachments a method takes; without an entry, none. */
const attachmentCounts: Partial<Record<Method, readonly [least: number, most: number]>> = {
  'secret.set': [1, 1],
  'sealed.create': [0, 1],
  'sealed.unlock': [0, 1],
  'secret.reveal': [0, 1],
  'launch.request': [0, 1],
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
  const isEntry = method === 'launch.request' && Object.hasOwn(Object(value) as object, 'entry');
  const build = (isEntry ? entryLaunch : params[method]) as unknown as Build<Methods[M]['params']>;
  return parse(build, method, value);
}

/** Throws `ERR_USAGE`. */
export function readHello(value: unknown): Hello {
  return parse(params['broker.hello'], 'broker.hello', value);
}

/** Throws `ERR_USAGE`. */
export function readCancel(value: unknown): Cancel['params'] {
  return parse(cancel, 'request.cancel', value);
}

function parse<T>(build: Build<T>, method: string, value: unknown): T {
  const result = schemaOf(build).safeParse(value);
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
