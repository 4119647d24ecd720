import { BrokerError, Secret, type ErrorCode, type Provider } from '@mcp-broker/providers';
import { expect, test } from 'vitest';
import { testBackend } from './backend-test.ts';
import type { BackendStep } from './protocol/backends.ts';
import { fakeClock } from './testing/fake-clock.ts';

const value = 'hunter2';

function providerOf(parts: Partial<Provider>): Provider {
  return {
    local: false,
    locate: (name) => ({ path: `secret/${name}`, field: 'value' }),
    get: async () => new Secret(Buffer.from(value)),
    list: async () => [{ name: 'secret/A' }, { name: 'secret/B' }],
    check: async () => undefined,
    ...parts,
  };
}

async function steps(
  open: () => Promise<Provider>,
  known?: { readonly path: string },
): Promise<readonly BackendStep[]> {
  const { signal } = new AbortController();
  return testBackend({ clock: fakeClock(), signal, open, known });
}

async function outcomes(parts: Partial<Provider>): Promise<string> {
  const found = await steps(async () => providerOf(parts));
  return found.map(({ step, outcome }) => `${step} ${outcome}`).join(', ');
}

const fail = (code: ErrorCode) => async () => {
  throw new BrokerError(code, 'no', { hint: 'try' });
};

test.each<[what: string, parts: Partial<Provider>, expected: string]>([
  ['all is well', {}, 'reach ok, authenticate ok, list ok, read ok'],
  [
    'it does not answer',
    { check: fail('ERR_BACKEND_UNAVAILABLE') },
    'reach failed, authenticate skipped, list skipped, read skipped',
  ],
  [
    'it does not take our credential',
    { check: fail('ERR_BACKEND_UNAUTHENTICATED') },
    'reach ok, authenticate failed, list skipped, read skipped',
  ],
  [
    'it is locked',
    { check: fail('ERR_LOCKED') },
    'reach ok, authenticate failed, list skipped, read skipped',
  ],
  [
    'listing is refused',
    { list: fail('ERR_BACKEND_DENIED') },
    'reach ok, authenticate ok, list failed, read skipped',
  ],
  [
    'reading is refused',
    { get: fail('ERR_BACKEND_DENIED') },
    'reach ok, authenticate ok, list ok, read failed',
  ],
  [
    'nothing is there',
    { list: async () => [] },
    'reach ok, authenticate ok, list ok, read skipped',
  ],
])('when %s', async (_what, parts, expected) => {
  expect(await outcomes(parts)).toBe(expected);
});

test('a backend that cannot be opened has not been reached, and says why', async () => {
  const [reach] = await steps(fail('ERR_CONFIG'));
  expect(reach).toMatchObject({
    outcome: 'failed',
    problem: { code: 'ERR_CONFIG', message: 'no', hint: 'try' },
  });
});

test('what a kind cannot do is skipped, and a known variable is read', async () => {
  const asked: unknown[] = [];
  const {
    list: _list,
    check: _check,
    ...few
  } = providerOf({
    get: async (locator) => {
      asked.push(locator);
      return new Secret(Buffer.from(value));
    },
  });
  const found = await steps(async () => few, { path: 'secret/K' });
  expect(found.map(({ outcome }) => outcome)).toEqual(['skipped', 'skipped', 'skipped', 'ok']);
  expect(asked).toEqual([{ path: 'secret/K' }]);
});

test('an item is read as the variable of its name is, and its value is wiped and told to nobody', async () => {
  const bytes = Buffer.from(value);
  const asked: unknown[] = [];
  const get: Provider['get'] = async (locator) => {
    asked.push(locator);
    return new Secret(bytes);
  };
  const found = await steps(async () => providerOf({ get }));
  expect(asked).toEqual([{ path: 'secret/A', field: 'value' }]);
  expect(bytes.every((byte) => byte === 0)).toBe(true);
  expect(JSON.stringify(found)).not.toMatch(/hunter2|secret\/A/u);
});

test('a store that does not answer is not waited for without end', async () => {
  const clock = fakeClock();
  const check: Provider['check'] = async ({ signal }) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        reject(new BrokerError('ERR_ABORTED', 'late'));
      });
      clock.pass(10_000);
    });
  const { signal } = new AbortController();
  const open = async (): Promise<Provider> => providerOf({ check });
  const [reach] = await testBackend({ clock, signal, open, known: undefined });
  expect(reach).toMatchObject({ step: 'reach', outcome: 'failed', durationMs: 10_000 });
});

test('a store with a time limit of its own has that time', async () => {
  const clock = fakeClock();
  const check: Provider['check'] = async ({ signal }) => {
    clock.pass(60_000);
    if (signal.aborted) throw new BrokerError('ERR_ABORTED', 'late');
  };
  const { signal } = new AbortController();
  const open = async (): Promise<Provider> => providerOf({ check });
  const options = { clock, signal, open, known: undefined, ownMs: 60_000 };
  const [reach] = await testBackend(options);
  expect(reach).toMatchObject({ step: 'reach', outcome: 'ok' });
});
