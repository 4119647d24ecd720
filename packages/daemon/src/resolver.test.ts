import { BrokerError, Secret, type Locator, type Provider } from '@mcp-broker/providers';
import { describe, expect, test } from 'vitest';
import { createCache } from './cache.ts';
import { systemClock } from './clock.ts';
import { parseConfig, type Config } from './config/index.ts';
import { createVault } from './memory.ts';
import { fakeClock } from './testing/fake-clock.ts';
import { checkEnvironmentValue, createResolver, nameSubject, type Resolver } from './resolver.ts';

const text = `version: "1.0"
settings: {default_backend: sealed, ttl: 1m}
backends:
  far: {kind: vault, url: "https://vault.example.net", auth_method: token, path: secret/mcp, ttl: 9s}
variables:
  ELSEWHERE: {backend: far, path: secret/db, field: password, ttl: 5s}
`;

/** A store whose reads are counted and whose answers are given. */
function fakeStore(
  local: boolean,
  values: Record<string, string>,
): Provider & { reads: Locator[] } {
  const reads: Locator[] = [];
  return {
    local,
    reads,
    locate: (name) => ({ path: local ? name : `secret/mcp/${name}` }),
    async get(locator) {
      reads.push(locator);
      const value = values[locator.path];
      return value === undefined ? undefined : new Secret(Buffer.from(value));
    },
    async list() {
      return Object.keys(values).map((name) => ({ name }));
    },
  };
}

function setUp(): {
  resolver: Resolver;
  near: ReturnType<typeof fakeStore>;
  far: ReturnType<typeof fakeStore>;
} {
  const config: Config = parseConfig(text, 'config.yaml').config;
  const near = fakeStore(true, { TOKEN: 'near value' });
  const far = fakeStore(false, { 'secret/db': 'far value' });
  const resolver = createResolver({
    config: () => config,
    clock: systemClock,
    cache: createCache({ vault: createVault(), clock: systemClock, maxEntries: 10 }),
    open: async (kind) => (kind === 'sealed-file' ? near : far),
  });
  return { resolver, near, far };
}

const read = (
  resolver: Resolver,
  plan: Awaited<ReturnType<Resolver['plan']>>,
): Promise<string | undefined> => resolver.read(plan, ({ bytes }) => Buffer.from(bytes).toString());

describe('a variable', () => {
  test('without an entry is looked for by its name in the default backend', async () => {
    const { resolver } = setUp();
    expect(await resolver.plan({ kind: 'variable', name: 'TOKEN' })).toMatchObject({
      text: '$<TOKEN>',
      subject: 'TOKEN',
      backend: 'sealed',
      locator: { path: 'TOKEN' },
      ttlMs: 60_000,
    });
  });

  test('with an entry lies where that says, with its own ttl', async () => {
    const { resolver } = setUp();
    expect(await resolver.plan({ kind: 'variable', name: 'ELSEWHERE' })).toMatchObject({
      backend: 'far',
      kind: 'vault',
      locator: { path: 'secret/db', field: 'password' },
      ttlMs: 5000,
    });
  });

  test('named like a member of every object has no entry', async () => {
    const { resolver } = setUp();
    expect(await resolver.plan({ kind: 'variable', name: 'constructor' })).toMatchObject({
      backend: 'sealed',
    });
  });

  test('is read once while it is fresh, and again once it is forgotten', async () => {
    const { resolver, near } = setUp();
    const plan = await resolver.plan({ kind: 'variable', name: 'TOKEN' });
    expect([await read(resolver, plan), await read(resolver, plan)]).toEqual([
      'near value',
      'near value',
    ]);
    expect(near.reads).toHaveLength(1);
    expect(resolver.forget(plan)).toBe(true);
    await read(resolver, plan);
    expect(near.reads).toHaveLength(2);
  });

  test('is known or unknown in a store on this machine, and not asked for in a remote one', async () => {
    const { resolver, far } = setUp();
    const state = async (name: string): Promise<string> =>
      resolver.state(await resolver.plan({ kind: 'variable', name }));
    expect([await state('TOKEN'), await state('NONE'), await state('ELSEWHERE')]).toEqual([
      'known',
      'unknown',
      'unasked',
    ]);
    expect(far.reads).toEqual([]);
  });
});

test('a reference with a locator names its backend, and an unknown one is refused', async () => {
  const { resolver } = setUp();
  const reference = {
    kind: 'locator',
    backend: 'far',
    path: 'secret/db',
    field: 'password',
  } as const;
  const plan = await resolver.plan(reference);
  expect(plan).toMatchObject({ subject: '$<far:secret/db#password>', backend: 'far', ttlMs: 9000 });
  expect(await read(resolver, plan)).toBe('far value');
  await expect(resolver.plan({ ...reference, backend: 'toString' })).rejects.toMatchObject({
    code: 'ERR_NOT_FOUND',
  });
});

test.each([
  ['a NUL', Buffer.from('a\0b'), 'holds a NUL byte'],
  ['bytes that are not UTF-8', Buffer.from([0xff, 0xfe]), 'is not UTF-8 text'],
])('a value with %s cannot stand in an environment', (_title, bytes, says) => {
  expect(() => {
    checkEnvironmentValue(bytes, 'TOKEN');
  }).toThrow(`the value of TOKEN ${says}`);
});

test('the error of a variable names it, also when its name happens to stand in the message', () => {
  const locked = new BrokerError('ERR_LOCKED', 'the sealed file is locked');
  for (const name of ['a', 'file', 'locked']) {
    expect(nameSubject(locked, name).message).toBe(`${name}: the sealed file is locked`);
  }
});

test('the error of a variable names it, whatever its provider said', () => {
  expect(
    nameSubject(new BrokerError('ERR_LOCKED', 'the sealed file is locked'), 'A'),
  ).toMatchObject({
    code: 'ERR_LOCKED',
    message: 'A: the sealed file is locked',
    subject: 'A',
  });
  expect(nameSubject(new Error('detail of an SDK'), 'A')).toMatchObject({
    code: 'ERR_INTERNAL',
    message: 'A: internal error',
  });
});

test.each([
  [25, 30],
  [60, 65],
])('a tool that may take %d s is called off after %d s', async (timeout, deadline) => {
  const clock = fakeClock();
  const { config } = parseConfig(
    `version: "1.0"\nbackends:\n  own: {kind: command, get: [tool], timeout: ${timeout}s}\n`,
    'config.yaml',
  );
  let asked: AbortSignal | undefined;
  const hanging: Provider = {
    local: false,
    locate: (path) => ({ path }),
    get: (_locator, { signal }) =>
      new Promise((_resolve, reject) => {
        asked = signal;
        signal.addEventListener('abort', () => {
          reject(new BrokerError('ERR_ABORTED', 'called off'));
        });
      }),
  };
  const resolver = createResolver({
    config: () => config,
    clock,
    cache: createCache({ vault: createVault(), clock, maxEntries: 10 }),
    open: async () => hanging,
  });
  const plan = await resolver.plan({ kind: 'locator', backend: 'own', path: 'TOKEN' });
  const reading = resolver.read(plan, () => undefined);
  await expect.poll(() => asked?.aborted).toBe(false);
  clock.pass(deadline * 1000 - 1);
  expect(asked?.aborted).toBe(false);
  clock.pass(1);
  await expect(reading).rejects.toMatchObject({ code: 'ERR_ABORTED' });
});
