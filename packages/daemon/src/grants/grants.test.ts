import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Lifetime } from '../protocol/approvals.ts';
import { fakeClock, type FakeClock } from '../testing/fake-clock.ts';
import { day, decision, had, hour, launching, minute } from '../testing/grant-decision.ts';
import { grantsHome, unlock, type GrantsHome } from '../testing/grants-home.ts';
import type { GrantDecision } from './grants.ts';

let home = '';
let clock: FakeClock;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'mcp-grants-'));
  clock = fakeClock();
});
afterEach(() => {
  rmSync(home, { recursive: true });
});

const start = (): GrantsHome => grantsHome({ home, clock, identity: 7 });

describe('a limit of the request', () => {
  const limit = { ms: 8 * hour, reason: 'the package is not pinned' };
  const limited = { request: { limit } };

  test.each<[Lifetime | undefined, string, string | undefined]>([
    [undefined, 'duration', '2026-01-01T08:00:01.000Z'],
    ['once', 'once', '2026-01-01T00:10:01.000Z'],
    ['session', 'session', '2026-01-01T08:00:01.000Z'],
    [hour, 'duration', '2026-01-01T01:00:01.000Z'],
  ])('caps %s: a %s until %s', async (lifetime, kind, until) => {
    const { grants } = start();
    const grant = await grants.add(decision(lifetime, ['A'], limited));
    expect(grant).toMatchObject({ lifetime: kind, until });
    clock.pass(8 * hour);
    expect(had(grants)).toBe('');
  });

  test.each<[Lifetime]>([['always'], [8 * hour + 1]])('refuses %s', async (lifetime) => {
    const { grants } = start();
    await expect(grants.add(decision(lifetime, ['A'], limited))).rejects.toMatchObject({
      code: 'ERR_USAGE',
      message: 'this launch can be granted for 8h at most: the package is not pinned',
      hint: 'mcp approve AAAA --for 8h',
    });
    expect(had(grants)).toBe('');
  });

  test('without one it is always, and a refusal has none', async () => {
    const { grants } = start();
    expect(await grants.add(decision())).toMatchObject({ lifetime: 'always' });
    const refusal = decision('always', ['A'], { outcome: 'denied', ...limited });
    expect(await grants.add(refusal)).toMatchObject({ lifetime: 'always' });
  });

  test.each([0, -1, 0.5, Number.NaN, 1e300])('%d milliseconds are no duration', async (ms) => {
    await expect(start().grants.add(decision(ms))).rejects.toMatchObject({ code: 'ERR_USAGE' });
  });
});

describe('a refusal', () => {
  const refusal = (lifetime: Lifetime): GrantDecision =>
    decision(lifetime, ['A'], { outcome: 'denied', request: { granted: ['B'] } });

  test('stands against all variables of the launch, and is remembered as long as asked', async () => {
    const { grants } = start();
    await grants.add(decision('always', ['B']));
    const denied = await grants.add(refusal(hour));
    expect(denied).toMatchObject({
      outcome: 'denied',
      variables: ['B', 'A'],
      lifetime: 'duration',
    });
    expect(grants.look(launching(), ['$<B>'])).toEqual({ granted: new Set(), denied });
    const next = start();
    await next.grants.load();
    expect(had(next.grants)).toBe('denied');
    clock.pass(hour);
    expect([had(grants), had(next.grants)]).toEqual(['B', 'B']);
  });

  test('B17: stands when the clock is set back', async () => {
    const { grants } = start();
    await grants.add(refusal(hour));
    clock.jump(-day);
    expect(had(grants)).toBe('denied');
  });

  test('for once is not remembered', async () => {
    const { grants } = start();
    expect(await grants.add(refusal('once'))).toMatchObject({ outcome: 'denied' });
    expect([had(grants), grants.list]).toEqual(['', []]);
  });

  test('for a session ends with a lock', async () => {
    const { grants, keyring } = start();
    await grants.add(refusal('session'));
    expect(had(grants)).toBe('denied');
    keyring.lock();
    unlock(keyring);
    await grants.load();
    expect(had(grants)).toBe('');
  });

  test('again is one, with the end of the second', async () => {
    const { grants } = start();
    const { id } = await grants.add(refusal(hour));
    clock.pass(minute);
    await grants.add(refusal(hour));
    expect(grants.list).toMatchObject([{ id, until: '2026-01-01T01:01:01.000Z' }]);
  });

  test('is one of a thousand at most', async () => {
    const { grants } = start();
    const of = (index: number): GrantDecision => ({
      ...decision('session', ['A'], { outcome: 'denied', request: { fingerprint: `f${index}` } }),
    });
    for (let index = 0; index < 1000; index += 1) await grants.add(of(index));
    await expect(grants.add(of(1000))).rejects.toMatchObject({ code: 'ERR_DENIED' });
    await expect(grants.add(of(5))).resolves.toMatchObject({ fingerprint: 'f5' });
    await expect(grants.add(decision('session'))).resolves.toMatchObject({ outcome: 'allowed' });
  });
});

describe('two grants of one fingerprint', () => {
  test.each<[Lifetime]>([['session'], ['always']])('for %s become one', async (lifetime) => {
    const { grants } = start();
    const first = await grants.add(decision(lifetime, ['A']));
    const both = await grants.add(decision(lifetime, ['B']));
    expect(both).toMatchObject({ id: first.id, variables: ['A', 'B'] });
    expect([had(grants), grants.list]).toEqual(['AB', [both]]);
  });

  test('for a duration stay two, since joining them would make one longer', async () => {
    const { grants } = start();
    await grants.add(decision(8 * hour, ['A']));
    clock.pass(hour);
    await grants.add(decision(8 * hour, ['B']));
    expect([had(grants), grants.list.length]).toEqual(['AB', 2]);
    clock.pass(7 * hour);
    expect(had(grants)).toBe('B');
  });

  test('become the second where it says all that the first does', async () => {
    const { grants } = start();
    const { id } = await grants.add(decision(8 * hour, ['A']));
    clock.pass(hour);
    await grants.add(decision(8 * hour, ['A', 'B']));
    expect(grants.list).toMatchObject([{ id, variables: ['A', 'B'] }]);
    clock.pass(7 * hour);
    expect(had(grants)).toBe('AB');
  });

  test('stay two where the workspace or the lifetime differs', async () => {
    const { grants } = start();
    await grants.add(decision('always', ['A'], { workspace: '/elsewhere' }));
    await grants.add(decision('always', ['B']));
    await grants.add(decision('session', ['C']));
    expect([had(grants), grants.list.length]).toEqual(['BC', 3]);
  });
});

describe('what is taken back', () => {
  const named = (server: string, fingerprint: string, lifetime: Lifetime): GrantDecision =>
    decision(lifetime, ['A'], { request: { server, fingerprint } });

  test('is found by its id in any case, by the server, or all', async () => {
    const { grants } = start();
    await grants.add(named('github', 'f1', 'always'));
    await grants.add(named('github', 'f2', 'session'));
    const { id } = await grants.add(named('jira', 'f3', 'always'));
    await grants.add(named('mail', 'f4', hour));
    expect(await grants.revoke({ id: id.toLowerCase() })).toMatchObject([{ server: 'jira' }]);
    expect(await grants.revoke({ server: 'github' })).toHaveLength(2);
    expect(grants.list).toMatchObject([{ server: 'mail' }]);
    const next = start();
    await next.grants.load();
    expect(next.grants.list).toEqual(grants.list);
    expect(await next.grants.revoke({ all: true })).toHaveLength(1);
    expect(had(next.grants, launching('f4'))).toBe('');
  });

  test.each([
    [{ id: '0000' }, 'no grant 0000'],
    [{ server: 'github' }, 'no grant for github'],
    [{ all: true }, 'no grant'],
    [{}, 'no grant'],
  ])('has to be there: %j', async (which, message) => {
    const { grants } = start();
    await expect(grants.revoke(which)).rejects.toMatchObject({ code: 'ERR_NOT_FOUND', message });
  });

  test('is not needed of what is over', async () => {
    const { grants } = start();
    const { id } = await grants.add(decision(hour));
    clock.pass(hour);
    await expect(grants.revoke({ id })).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
  });

  test('takes what others still probe with', async () => {
    const { grants } = start();
    await grants.add(decision('once'));
    grants.use(launching(), ['$<A>']);
    await grants.revoke({ all: true });
    expect(had(grants)).toBe('');
  });
});

describe('the first launch', () => {
  test('of a home without grants opens nothing, and what lives in memory alone makes no file', async () => {
    let opened = 0;
    const { grants, paths } = grantsHome({
      home,
      clock,
      identity: 7,
      own: (own) => ({ ...own, get: (name) => ((opened += 1), own.get(name)) }),
    });
    await grants.load();
    await grants.add(decision('session'));
    await grants.add(decision('once', ['B']));
    await grants.revoke({ all: true });
    expect([opened, existsSync(paths.own), existsSync(paths.grants)]).toEqual([0, false, false]);
  });

  test('while locked is told so, with a file or without', async () => {
    const { grants } = grantsHome({ home, clock });
    await expect(grants.load()).rejects.toMatchObject({ code: 'ERR_LOCKED', hint: 'mcp unlock' });
    await expect(grants.add(decision('session'))).rejects.toMatchObject({ code: 'ERR_LOCKED' });
    await expect(grants.revoke({ all: true })).rejects.toMatchObject({ code: 'ERR_LOCKED' });
  });

  test('and others at the same time read the file once', async () => {
    await start().grants.add(decision('always'));
    let opened = 0;
    const { grants } = grantsHome({
      home,
      clock,
      identity: 7,
      own: (own) => ({ ...own, get: (name) => ((opened += 1), own.get(name)) }),
    });
    await Promise.all([grants.load(), grants.load(), grants.load()]);
    await grants.load();
    expect([had(grants), opened]).toEqual(['A', 1]);
  });
});

describe('a lock', () => {
  test('while the file is read leaves nothing of it in memory', async () => {
    await start().grants.add(decision('always'));
    let meanwhile = (): void => undefined;
    const { grants, keyring } = grantsHome({
      home,
      clock,
      identity: 7,
      own: (own) => ({ ...own, get: (name) => own.get(name).finally(meanwhile) }),
    });
    meanwhile = () => {
      keyring.lock();
      grants.lock();
    };
    await expect(grants.load()).rejects.toMatchObject({ code: 'ERR_LOCKED' });
    expect([had(grants), grants.list]).toEqual(['', []]);
    meanwhile = () => undefined;
    unlock(keyring);
    await grants.load();
    expect(had(grants)).toBe('A');
  });

  test('when the grant is on the disk leaves it there alone', async () => {
    let meanwhile = (): void => undefined;
    const { grants, keyring } = grantsHome({
      home,
      clock,
      identity: 7,
      own: (own) => ({ ...own, put: (name, bytes) => own.put(name, bytes).finally(meanwhile) }),
    });
    await grants.add(decision('always'));
    meanwhile = () => {
      keyring.lock();
      grants.lock();
    };
    await grants.add(decision('always', ['B']));
    expect([had(grants), grants.list]).toEqual(['', []]);
    meanwhile = () => undefined;
    unlock(keyring);
    await grants.load();
    expect(had(grants)).toBe('AB');
  });

  test('of the grants alone makes them be read anew, each once', async () => {
    await start().grants.add(decision('always'));
    const { grants } = start();
    const first = grants.load();
    grants.lock();
    await Promise.all([first, grants.load()]);
    expect([had(grants), grants.list.length]).toEqual(['A', 1]);
    await grants.revoke({ all: true });
    expect(had(grants)).toBe('');
  });
});
