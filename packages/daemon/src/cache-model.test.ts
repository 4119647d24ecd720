import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createCache, type Load } from './cache.ts';
import { fakeClock } from './testing/fake-clock.ts';
import { heldLoad, watchedVault, type HeldLoad } from './testing/watched-vault.ts';

const key = fc.constantFrom('a', 'b', 'c');
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('begin' as const),
      key,
      ttl: fc.constantFrom(0, 100, 1000, 1000),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('end' as const),
      which: fc.nat(5),
      fails: fc.constantFrom(true, false, false),
    }),
  },
  fc.record({ do: fc.constant('drop' as const), key }),
  fc.record({ do: fc.constant('clear' as const) }),
  fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1, 99, 100, 900) }),
  fc.record({ do: fc.constant('jump' as const), ms: fc.constantFrom(-60_000, -50, 50, 60_000) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Runs the steps; gives what went wrong and how often the cache answered by itself. */
async function run(steps: readonly Step[]): Promise<{ wrong: string[]; hits: number }> {
  const clock = fakeClock();
  const vault = watchedVault();
  const cache = createCache({ vault, clock, maxEntries: 2 });
  const wrong: string[] = [];
  const answers: Promise<unknown>[] = [];
  let hits = 0;
  // The model. A load is known by the number of the step that began it, which is also its value.
  const underWay: { key: string; began: number; held: HeldLoad }[] = [];
  /** By key: the newest drop, clear or jump; the newest value that came; the clocks when it came. */
  const cutOff = new Map<string, number>();
  const newest = new Map<string, { began: number; monotonic: number; now: number }>();
  let wallMinusMonotonic = clock.now() - clock.monotonic();

  const begin = (number: number, name: string, ttl: number): void => {
    const held = heldLoad();
    const load: Load = () => {
      underWay.push({ key: name, began: number, held });
      return held.load();
    };
    const answer = cache.get(name, ttl, load, ({ bytes, hit, ageMs }) => {
      if (!hit) return;
      hits += 1;
      const from = Number(Buffer.from(bytes).toString());
      const came = newest.get(name) ?? { began: -1, monotonic: 0, now: 0 };
      const age = Math.max(clock.monotonic() - came.monotonic, clock.now() - came.now);
      if (from !== came.began) wrong.push(`step ${number} got ${from}, not ${came.began}`);
      if (from <= (cutOff.get(name) ?? -1)) wrong.push(`step ${number} got what was dropped`);
      if (ageMs !== age || age >= ttl) wrong.push(`step ${number} got age ${ageMs} of ${age}`);
    });
    answers.push(answer.catch(() => undefined));
  };

  const end = (which: number, fails: boolean): void => {
    const [load] = underWay.splice(which % Math.max(1, underWay.length), 1);
    if (load === undefined) return;
    if (fails) {
      load.held.fail(new Error('fails'));
      return;
    }
    load.held.give(String(load.began));
    if (load.began > (cutOff.get(load.key) ?? -1)) {
      newest.set(load.key, {
        began: load.began,
        monotonic: clock.monotonic(),
        now: clock.now(),
      });
    }
  };

  const cut = (number: number, names: readonly string[]): void => {
    for (const name of names) cutOff.set(name, number);
  };

  for (const [number, one] of steps.entries()) {
    if (one.do === 'begin') begin(number, one.key, one.ttl);
    if (one.do === 'end') end(one.which, one.fails);
    if (one.do === 'drop') {
      cache.drop(one.key);
      cut(number, [one.key]);
    }
    if (one.do === 'clear') {
      cache.clear();
      cut(number, ['a', 'b', 'c']);
    }
    if (one.do === 'pass') clock.pass(one.ms);
    if (one.do === 'jump') {
      clock.jump(one.ms);
      // Any access sees it.
      cache.peek('a');
      const offset = clock.now() - clock.monotonic();
      if (Math.abs(offset - wallMinusMonotonic) > 30_000) {
        wallMinusMonotonic = offset;
        cut(number, ['a', 'b', 'c']);
      }
    }
    await new Promise(setImmediate);
    if (cache.entries > 2) wrong.push(`step ${number} left ${cache.entries} entries`);
    if (vault.live !== cache.entries) wrong.push(`step ${number} left ${vault.live} values`);
    if (vault.held !== cache.bytes) wrong.push(`step ${number} left ${vault.held} bytes`);
  }
  for (const { held } of underWay) held.fail(new Error('fails'));
  await Promise.all(answers);
  cache.stop();
  if (vault.live > 0 || clock.timers > 0) wrong.push('something is left');
  return { wrong, hits };
}

test('whatever happens in whatever order, it agrees with a simple model', async () => {
  let hits = 0;
  const agrees = fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
    const result = await run(steps);
    hits += result.hits;
    if (result.wrong.length > 0) throw new Error(result.wrong.join('; '));
  });
  const { failed, counterexample, errorInstance } = await fc.check(agrees, { numRuns: 2000 });
  expect({ failed, counterexample, errorInstance }).toEqual({
    failed: false,
    counterexample: null,
    errorInstance: null,
  });
  expect(hits).toBeGreaterThan(1000);
});
