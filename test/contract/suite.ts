/* oxlint-disable vitest/valid-expect -- the second argument says which call it was */
import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { BrokerError, type ErrorCode, type Locator, type Provider } from '@mcp-broker/providers';
import { describe, expect, test } from 'vitest';

/** One provider on an empty store of its own. */
export interface Subject {
  readonly provider: Provider;
  /** Ends what `create` started and removes what it made. */
  cleanup(): Promise<void>;
  /** Puts items into the store faster than by `put`, or into one whose provider has no `put`. */
  seed?(items: ReadonlyMap<string, Uint8Array>): Promise<void>;
  /** Makes the store keep its callers waiting until the release is called. */
  stall?(): Promise<() => void>;
}

export interface Contract {
  readonly name: string;
  readonly create: () => Promise<Subject>;
  readonly capabilities: {
    /** The optional methods that the provider has; it must have no other. */
    readonly methods: readonly ('put' | 'delete' | 'list' | 'history' | 'check' | 'close')[];
    /** What a value can be besides text of at least one byte and at most 64 KiB. */
    readonly values: readonly ('empty' | 'binary' | '64 KiB')[];
    /** Each new value has a new version. */
    readonly versions: boolean;
    readonly listed: readonly number[];
  };
  /** Stores on which every call fails, with the code that it has to fail with. */
  readonly faults?: Readonly<
    Record<string, { readonly code: ErrorCode; readonly create: () => Promise<Subject> }>
  >;
}

const deadlineMs = 60_000;
const canary = `canary+/${randomBytes(12).toString('base64')}`;

const values = {
  text: Buffer.from('hunter2'),
  unicode: Buffer.from('pä55 wörd 🔑 ключ'),
  'control characters': Buffer.from(`a\nb\r\n"c"\\'d'\t\u001B[0m`),
  'something like a reference': Buffer.from('$<OTHER> ${OTHER}'),
  empty: Buffer.alloc(0),
  binary: Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
  '64 KiB': Buffer.alloc(65_536, 'x'),
} as const;

type Define = (title: string, body: () => Promise<void>, timeout?: number) => void;

/** What a store cannot do is no test of it, and none that is left out. */
const when = (applies: boolean): Define => (applies ? test : () => undefined);

/** What every provider owes its caller, on the provider's real store. */
export function checkContract(contract: Contract): void {
  const { capabilities, name } = contract;
  const can = (method: (typeof capabilities.methods)[number]): boolean =>
    capabilities.methods.includes(method);

  describe(`${name} keeps the contract of a provider`, () => {
    test('it has the methods that it says it has', () =>
      on(contract, ({ provider }) => {
        const optional = ['put', 'delete', 'list', 'history', 'check', 'close'] as const;
        const found = optional.filter((method) => provider[method] !== undefined);
        expect(found.sort()).toEqual([...capabilities.methods].sort());
        return Promise.resolve();
      }));

    test('an absent secret is undefined', () =>
      on(contract, async ({ provider }) => {
        expect(await provider.get(provider.locate('ABSENT'), call())).toBeUndefined();
      }));

    for (const [kind, value] of Object.entries(values)) {
      const optional = ['empty', 'binary', '64 KiB'] as const;
      const limited = optional.find((limit) => limit === kind);
      const fits = limited === undefined || capabilities.values.includes(limited);
      when(fits)(`a value that is ${kind} comes back as it went in`, () =>
        on(contract, async (subject) => {
          await store(subject, 'VALUE', value);
          expect(await fetch(subject.provider, 'VALUE')).toEqual(value);
        }),
      );
    }

    test('a secret belongs to its caller, who may wipe it', () =>
      on(contract, async (subject) => {
        await store(subject, 'VALUE', values.text);
        (await subject.provider.get(subject.provider.locate('VALUE'), call()))?.wipe();
        expect(await fetch(subject.provider, 'VALUE')).toEqual(values.text);
      }));

    when(can('put'))('put takes a copy: the caller may wipe its own at once', () =>
      on(contract, async ({ provider }) => {
        const value = Buffer.from(values.text);
        const done = put(provider, 'VALUE', value);
        value.fill(0);
        await done;
        expect(await fetch(provider, 'VALUE')).toEqual(values.text);
      }),
    );

    when(can('put') && capabilities.versions)('a new value has a new version', () =>
      on(contract, async ({ provider }) => {
        const first = await put(provider, 'VALUE', Buffer.from('one'));
        const second = await put(provider, 'VALUE', Buffer.from('two'));
        expect(first?.version).toBeTypeOf('string');
        expect(second?.version).not.toBe(first?.version);
        const secret = await provider.get(provider.locate('VALUE'), call());
        expect(secret?.info.version).toBe(second?.version);
      }),
    );

    when(can('delete'))('delete says whether there was something to delete', () =>
      on(contract, async (subject) => {
        const { provider } = subject;
        await store(subject, 'VALUE', values.text);
        await store(subject, 'OTHER', values.text);
        expect(await provider.delete?.(provider.locate('VALUE'), call())).toBe(true);
        expect(await provider.delete?.(provider.locate('VALUE'), call())).toBe(false);
        expect(await fetch(provider, 'VALUE')).toBeUndefined();
        expect(await fetch(provider, 'OTHER')).toEqual(values.text);
      }),
    );

    for (const count of can('list') ? capabilities.listed : []) {
      test(
        `list gives ${count} items, sorted, without a value`,
        () =>
          on(contract, async (subject) => {
            const names = Array.from(
              { length: count },
              (_, index) => `N${(index * 7919) % 10_007}`,
            );
            await seed(subject, new Map(names.map((item) => [item, Buffer.from(canary)])));
            const items = (await subject.provider.list?.(call())) ?? [];
            expect(items.map((item) => item.name)).toEqual([...names].sort());
            const known = ['name', 'version', 'created', 'updated', 'expires'];
            expect(known).toEqual(
              expect.arrayContaining(items.flatMap((item) => Object.keys(item))),
            );
            expectNoCanary(inspect(items, { depth: null, maxArrayLength: null }));
          }),
        120_000 + count * 300,
      );
    }

    when(can('history'))(
      'history has the versions that are kept, newest first, and none of nothing',
      () =>
        on(contract, async ({ provider }) => {
          const history = async (item: string): Promise<readonly object[]> =>
            (await provider.history?.(provider.locate(item), call())) ?? [];
          expect(await history('NOTHING')).toEqual([]);
          await put(provider, 'NAME', Buffer.from(canary));
          const info = await put(provider, 'NAME', Buffer.from(`${canary} again`));
          const versions = await history('NAME');
          expect(versions[0]).toMatchObject(info === undefined ? {} : { version: info.version });
          expectNoCanary(inspect(versions));
        }),
    );

    when(can('check'))('check resolves', () =>
      on(contract, async ({ provider }) => {
        await expect(provider.check?.(call())).resolves.toBeUndefined();
      }),
    );

    when(can('put'))('puts at the same time lose nothing', () =>
      on(contract, async ({ provider }) => {
        const names = Array.from({ length: 20 }, (_, index) => `NAME_${index}`);
        await Promise.all(names.map((item) => put(provider, item, Buffer.from(item))));
        await Promise.all(names.map((item) => put(provider, 'SAME', Buffer.from(item))));
        for (const item of names) expect(await fetch(provider, item)).toEqual(Buffer.from(item));
        expect(names).toContain((await fetch(provider, 'SAME'))?.toString());
      }),
    );

    test('a signal that has spoken ends every call with ERR_ABORTED and changes nothing', () =>
      on(contract, async (subject) => {
        await store(subject, 'VALUE', values.text);
        const signal = AbortSignal.abort();
        for (const [method, failed] of calls(subject.provider, signal)) {
          await expectError(failed, method, 'ERR_ABORTED');
        }
        expect(await fetch(subject.provider, 'VALUE')).toEqual(values.text);
      }));

    test('a signal that speaks during a call ends it, and the next call works', () =>
      on(contract, async (subject) => {
        await store(subject, 'VALUE', values.text);
        const controller = new AbortController();
        const running = calls(subject.provider, controller.signal);
        controller.abort();
        for (const [method, settled] of running) {
          await settled.catch((error: unknown) => {
            expectSafe(error, method, 'ERR_ABORTED');
          });
        }
        await store(subject, 'VALUE', values.unicode);
        expect(await fetch(subject.provider, 'VALUE')).toEqual(values.unicode);
      }));

    test('a signal ends a call that waits for its store', () =>
      on(contract, async (subject) => {
        const release = await subject.stall?.();
        if (release === undefined) throw new Error('the store cannot be stalled');
        const controller = new AbortController();
        const running = calls(subject.provider, controller.signal).filter(
          ([method]) => method === 'put' || method === 'delete',
        );
        controller.abort();
        for (const [method, failed] of running) await expectError(failed, method, 'ERR_ABORTED');
        release();
        await store(subject, 'VALUE', values.text);
        expect(await fetch(subject.provider, 'VALUE')).toEqual(values.text);
      }));

    test('what it cannot hold is refused without a word about a value', () =>
      on(contract, async (subject) => {
        await store(subject, 'VALUE', Buffer.from(canary));
        const odd: Locator[] = [
          { path: '' },
          { path: '..' },
          { path: '__proto__' },
          { path: 'a\u0000b\u001B[2J' },
          { path: 'x'.repeat(5000) },
          { path: 'VALUE', field: 'absent' },
          { path: 'VALUE', version: '999' },
        ];
        for (const locator of odd) {
          const label = inspect(locator).slice(0, 60);
          const settled = await subject.provider.get(locator, call()).catch((error: unknown) => {
            expectSafe(error, label);
            return undefined;
          });
          expect(settled, label).toBeUndefined();
        }
      }));

    for (const [fault, { code, create }] of Object.entries(contract.faults ?? {})) {
      test(`${fault}: every call fails with ${code} and no value`, () =>
        on({ create }, async ({ provider }) => {
          expect.hasAssertions();
          for (const [method, failed] of calls(provider, call().signal)) {
            await expectError(failed, method, code);
          }
        }));
    }
  });
}

async function on(
  { create }: Pick<Contract, 'create'>,
  action: (subject: Subject) => Promise<void>,
): Promise<void> {
  const subject = await create();
  try {
    await action(subject);
  } finally {
    await subject.provider.close?.();
    await subject.cleanup();
  }
}

function call(): { signal: AbortSignal } {
  return { signal: AbortSignal.timeout(deadlineMs) };
}

/** Every method that the provider has, started at once, with the canary as the value. */
function calls(provider: Provider, signal: AbortSignal): (readonly [string, Promise<unknown>])[] {
  const locator = provider.locate('CANARY');
  const started: (readonly [string, Promise<unknown> | undefined])[] = [
    ['get', provider.get(locator, { signal })],
    ['put', provider.put?.(locator, Buffer.from(canary), { signal })],
    ['delete', provider.delete?.(locator, { signal })],
    ['list', provider.list?.({ signal })],
    ['check', provider.check?.({ signal })],
  ];
  return started.flatMap(([method, promise]) => {
    // Awaited one after the other: a rejection that is not awaited yet is no unhandled one.
    promise?.catch(() => undefined);
    return promise === undefined ? [] : [[method, promise] as const];
  });
}

function put(
  provider: Provider,
  name: string,
  value: Uint8Array,
): ReturnType<NonNullable<Provider['put']>> {
  if (provider.put === undefined) throw new Error('the provider has no put');
  return provider.put(provider.locate(name), value, call());
}

async function store(subject: Subject, name: string, value: Uint8Array): Promise<void> {
  if (subject.provider.put === undefined) await seed(subject, new Map([[name, value]]));
  else await put(subject.provider, name, value);
}

async function seed(subject: Subject, items: ReadonlyMap<string, Uint8Array>): Promise<void> {
  if (subject.seed !== undefined) return subject.seed(items);
  for (const [name, value] of items) await put(subject.provider, name, value);
}

async function fetch(provider: Provider, name: string): Promise<Buffer | undefined> {
  const secret = await provider.get(provider.locate(name), call());
  return secret && Buffer.from(secret.bytes);
}

async function expectError(
  failed: Promise<unknown>,
  label: string,
  code: ErrorCode,
): Promise<void> {
  const error = await failed.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error, `${label} resolved`).toBeDefined();
  expectSafe(error, label, code);
}

function expectSafe(error: unknown, label: string, code?: ErrorCode): void {
  expect(error, label).toBeInstanceOf(BrokerError);
  if (!(error instanceof BrokerError)) return;
  expect(error.code, label).not.toBe('ERR_INTERNAL');
  expect(error.code, label).toBe(code ?? error.code);
  expect(error.message, label).toMatch(/^[^A-Z].*[^.]$/s);
  // oxlint-disable-next-line no-control-regex -- these are what a terminal would obey
  expect(`${error.message}${error.hint ?? ''}`, label).not.toMatch(/[\u0000-\u001F\u007F]/);
  const shown = [
    error.message,
    error.hint ?? '',
    String(error.stack),
    JSON.stringify(error),
    JSON.stringify(error.toShape()),
    inspect(error, { depth: null, showHidden: true }),
  ];
  for (const text of shown) expectNoCanary(text);
}

function expectNoCanary(text: string): void {
  const bytes = Buffer.from(canary);
  const forms = [
    canary,
    encodeURIComponent(canary),
    JSON.stringify(canary).slice(1, -1),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
    bytes.toString('hex'),
  ];
  const lower = text.toLowerCase();
  for (const form of forms)
    expect(lower.includes(form.toLowerCase()), 'the canary shows').toBe(false);
}
