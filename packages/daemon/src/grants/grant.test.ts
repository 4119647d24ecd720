import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Lifetime } from '../protocol/approvals.ts';
import { fakeClock, type FakeClock } from '../testing/fake-clock.ts';
import { day, decision, had, hour, launching, minute, second } from '../testing/grant-decision.ts';
import { grantsHome, unlock, type GrantsHome } from '../testing/grants-home.ts';

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

describe('a grant', () => {
  test('holds for its fingerprint and its references, and nothing else', async () => {
    const { grants } = start();
    await grants.load();
    expect(had(grants)).toBe('');
    await grants.add(decision('session', ['A', 'C']));
    expect([had(grants), had(grants, launching('g'))]).toEqual(['AC', '']);
  });

  type Step = readonly ['pass' | 'jump', number];
  test.each<[Lifetime, readonly Step[], string]>([
    ['once', [['pass', 10 * minute - 1]], 'A'],
    ['once', [['pass', 10 * minute]], ''],
    ['once', [['jump', 10 * minute]], ''],
    ['once', [['jump', -1]], ''],
    ['session', [['pass', 400 * day]], 'A'],
    ['session', [['jump', 400 * day]], 'A'],
    ['session', [['jump', -1]], ''],
    [8 * hour, [['pass', 8 * hour - 1]], 'A'],
    [8 * hour, [['pass', 8 * hour]], ''],
    [8 * hour, [['jump', 8 * hour]], ''],
    [8 * hour, [['jump', -1]], ''],
    // Set back by an hour each hour, the time of day never comes to the end.
    [
      2 * hour,
      [
        ['pass', hour],
        ['jump', -hour],
        ['pass', hour],
      ],
      '',
    ],
    [
      2 * hour,
      [
        ['jump', hour],
        ['pass', hour - 1],
      ],
      'A',
    ],
    ['always', [['pass', 400 * day]], 'A'],
    ['always', [['jump', 400 * day]], 'A'],
    ['always', [['jump', -1]], ''],
    [
      'always',
      [
        ['jump', -day],
        ['pass', day],
      ],
      'A',
    ],
  ])('B17: for %s, after %j, gives “%s”', async (lifetime, steps, expected) => {
    const { grants } = start();
    await grants.add(decision(lifetime));
    expect(had(grants)).toBe('A');
    for (const [step, ms] of steps) clock[step](ms);
    expect(had(grants)).toBe(expected);
  });

  test.each<[Lifetime, string, string]>([
    ['once', '', ''],
    ['session', '', ''],
    [8 * hour, 'A', 'A'],
    ['always', 'A', 'A'],
  ])('for %s gives “%s” after a lock, and “%s” after a restart', async (lifetime, locked, anew) => {
    const { grants, keyring } = start();
    await grants.add(decision(lifetime));
    keyring.lock();
    grants.lock();
    expect([had(grants), grants.list]).toEqual(['', []]);
    await expect(grants.load()).rejects.toMatchObject({ code: 'ERR_LOCKED' });
    unlock(keyring);
    await grants.load();
    expect(had(grants)).toBe(locked);
    const next = start();
    await next.grants.load();
    expect(had(next.grants)).toBe(anew);
    expect(next.grants.list).toEqual(grants.list);
  });

  test('for a duration has after a restart what was left of it', async () => {
    await start().grants.add(decision(8 * hour));
    clock.pass(7 * hour);
    const { grants } = start();
    await grants.load();
    clock.pass(hour - 1);
    expect(had(grants)).toBe('A');
    // By the monotonic clock, too.
    clock.jump(-hour);
    clock.pass(1);
    expect([had(grants), grants.list]).toEqual(['', []]);
  });

  test('of a keyring that was locked by another way counts for nothing', async () => {
    const { grants, keyring } = start();
    await grants.add(decision('session'));
    keyring.lock();
    expect([had(grants), grants.list]).toEqual(['', []]);
    unlock(keyring);
    expect(had(grants)).toBe('');
  });

  test.each([
    ['/home/me/work', 'A'],
    ['/home/me/work/deeper/still', 'A'],
    ['/home/me/works', ''],
    ['/home/me', ''],
    ['/', ''],
  ])('for a workspace counts in %s: “%s”', async (workingDirectory, expected) => {
    const { grants } = start();
    await grants.add(decision('always', ['A'], { workspace: '/home/me/work' }));
    expect(had(grants, launching('f', { workingDirectory }))).toBe(expected);
  });

  test('for the root as workspace counts everywhere', async () => {
    const { grants } = start();
    await grants.add(decision('always', ['A'], { workspace: '/' }));
    expect(had(grants)).toBe('A');
  });
});

describe('what was granted once', () => {
  const sibling = launching();
  const stranger = launching('f', { parent: { pid: 10, startTime: 'later' } });

  test('is used up, but for ten seconds by others of the same parent', async () => {
    for (const step of ['pass', 'jump'] as const) {
      const { grants } = start();
      await grants.add(decision('once', ['A', 'B']));
      grants.use(launching(), ['$<A>', '$<B>']);
      expect([had(grants, sibling), had(grants, stranger)]).toEqual(['AB', '']);
      // Its use does not begin them anew.
      clock[step](10 * second - 1);
      grants.use(sibling, ['$<A>']);
      expect(had(grants, sibling)).toBe('AB');
      clock[step](1);
      expect([had(grants, sibling), grants.list]).toEqual(['', []]);
    }
  });

  test('is used up at once by a launch whose parent is not known', async () => {
    const { grants } = start();
    const orphan = launching('f', { parent: undefined });
    await grants.add(decision('once'));
    grants.use(orphan, ['$<A>']);
    expect([had(grants, orphan), had(grants)]).toEqual(['', '']);
  });

  test('is not used up by other launches, or by what it does not give', async () => {
    const { grants } = start();
    await grants.add(decision('once', ['A'], { workspace: '/home/me/work' }));
    grants.use(launching('g'), ['$<A>']);
    grants.use(launching('f', { workingDirectory: '/' }), ['$<A>']);
    grants.use(launching(), ['$<B>']);
    expect(had(grants, stranger)).toBe('A');
  });

  test('of two, one after the other, serves one launch', async () => {
    const { grants } = start();
    await grants.add(decision('once', ['A']));
    await grants.add(decision('once', ['B']));
    expect(had(grants)).toBe('AB');
    grants.use(launching(), ['$<A>', '$<B>']);
    expect([had(grants, sibling), had(grants, stranger)]).toEqual(['AB', '']);
  });

  test('and again while others probe, serves another launch', async () => {
    const { grants } = start();
    await grants.add(decision('once'));
    grants.use(launching(), ['$<A>']);
    await grants.add(decision('once'));
    expect(had(grants, stranger)).toBe('A');
    grants.use(stranger, ['$<A>']);
    expect([had(grants, stranger), had(grants, sibling)]).toEqual(['A', 'A']);
  });

  test('a session is not used up', async () => {
    const { grants } = start();
    await grants.add(decision('session'));
    grants.use(launching(), ['$<A>']);
    expect(had(grants, stranger)).toBe('A');
  });
});
