import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AuditVerdict } from '../protocol/messages.ts';
import {
  createLogFiles,
  event,
  flat,
  headFor,
  rechain,
  share,
  type Files,
  type LogFiles,
} from '../testing/log-files.ts';
import type { HeadRecord } from './head.ts';
import { encodeEvent, linkLine } from './line.ts';
import { origin, readLink } from './link.ts';

let whole: LogFiles;
beforeAll(async () => {
  whole = await createLogFiles();
});
afterAll(() => {
  whole.remove();
});

/** The line of a verdict as an index into all lines. */
function indexOf({ problem }: AuditVerdict, files: Files): number {
  if (problem?.file === 'head') return flat(files).length;
  const before = files.findIndex(([name]) => name === problem?.file);
  return flat(files.slice(0, before)).length + (problem?.line ?? 0) - 1;
}

test('a log that nobody touched is whole, and its tail without a MAC is named', async () => {
  whole.put(whole.files, whole.head);
  const lines = flat(whole.files);
  expect(whole.files.length).toBeGreaterThan(3);
  const covered = lines.findLastIndex((line) => line.includes('"mac"')) + 1;
  expect(await whole.verify()).toEqual({
    ok: true,
    lines: lines.length,
    sequence: lines.length,
    covered,
    keys: 'used',
  });
  expect(covered).toBeLessThan(lines.length);
  expect(whole.head.covered?.seq).toBe(covered);
  expect(await whole.verify('locked')).toMatchObject({ ok: true, covered: null, keys: 'locked' });
});

interface Change {
  readonly files: Files;
  readonly head: HeadRecord;
  /** The first line that is not as it was. */
  readonly at: number;
  /** It is found without the keys too. */
  readonly isPlain: boolean;
}

/** What a change is made of, so that one that fails is shown in a line. Every change is before the tail. */
interface Draw {
  readonly kind: keyof typeof kinds;
  readonly at: number;
  readonly other: number;
  readonly byte: number;
  readonly flip: number;
  readonly text: string;
  readonly withMacs: boolean;
  /** What somebody who cannot make its MAC writes as head: the true one, none, or one made up. */
  readonly head: 'true' | 'none' | 'made up' | 'of the line';
}

function plain(lines: readonly string[], at: number): Change {
  return { files: share(lines, whole.files), head: whole.head, at, isPlain: true };
}

function forged(lines: readonly string[], at: number, head: Draw['head']): Change {
  const { newest } = headFor(lines, undefined);
  const mac = readLink(Buffer.from(lines.at(-1) ?? ''))?.mac ?? origin.hash;
  const covered = {
    true: whole.head.covered,
    none: undefined,
    'made up': { ...newest, mac: 'a'.repeat(64) },
    'of the line': { ...newest, mac },
  }[head];
  return { files: share(lines, whole.files), head: { newest, covered }, at, isPlain: false };
}

/** A log that is cut before its first MAC is for own.age to know. */
function afterFirstMac(lines: readonly string[], at: number): number {
  return Math.max(at, lines.findIndex((line) => line.includes('"mac"')) + 1);
}

const kinds = {
  'flip a byte': (lines: readonly string[], { at, byte, flip }: Draw) => {
    const bytes = Buffer.from(`${lines[at] ?? ''}\n`);
    const index = byte % bytes.length;
    bytes[index] = (bytes[index] ?? 0) ^ flip;
    const text = bytes.toString('latin1');
    if (text.endsWith('\n')) return plain(lines.with(at, text.slice(0, -1)), at);
    // Without its line feed it is one with the next.
    return plain(lines.toSpliced(at, 2, `${text}${lines[at + 1] ?? ''}`), at);
  },
  'remove a line': (lines: readonly string[], { at }: Draw) => plain(lines.toSpliced(at, 1), at),
  'insert a text': (lines: readonly string[], { at, text }: Draw) =>
    plain(lines.toSpliced(at, 0, text), at),
  // What stands there twice is found at its second place.
  'insert another line': (lines: readonly string[], { at, other }: Draw) =>
    plain(lines.toSpliced(at, 0, lines[other] ?? ''), at),
  'swap two lines': (lines: readonly string[], { at, other }: Draw) => {
    const to = at === other ? (at === 0 ? 1 : 0) : other;
    const next = lines.with(at, lines[to] ?? '').with(to, lines[at] ?? '');
    return plain(next, Math.min(at, to));
  },
  'cut off': (lines: readonly string[], { at }: Draw) => plain(lines.slice(0, at), at),
  'remove a file': (_lines: readonly string[], { other }: Draw): Change => {
    const gone = other % (whole.files.length - 1);
    const at = flat(whole.files.slice(0, gone)).length;
    return { files: whole.files.toSpliced(gone, 1), head: whole.head, at, isPlain: true };
  },
  'cut off with a head': (lines: readonly string[], { at, head }: Draw) => {
    const from = afterFirstMac(lines, at);
    return forged(lines.slice(0, from), from, head);
  },
  'change and chain anew': (lines: readonly string[], { at, withMacs, head }: Draw) => {
    const from = afterFirstMac(lines, at);
    const edited = (lines[from] ?? '').replace('"outcome":"allowed"', '"outcome":"denied"');
    return forged(rechain(lines.with(from, edited), from, withMacs), from, head);
  },
  'insert an event and chain anew': (lines: readonly string[], draw: Draw) => {
    const from = afterFirstMac(lines, draw.at);
    const name = draw.other % 2 === 0 ? 'start' : 'lock';
    const fake = linkLine(encodeEvent(event(name), 0), 1, origin.hash);
    return forged(rechain(lines.toSpliced(from, 0, fake), from, draw.withMacs), from, draw.head);
  },
  'cut off, go on with a start and chain anew': (lines: readonly string[], draw: Draw) => {
    const from = afterFirstMac(lines, draw.at);
    const fake = linkLine(encodeEvent(event('start'), 0), 1, origin.hash);
    const more = Array.from({ length: draw.other }, () => fake);
    return forged(rechain([...lines.slice(0, from), fake, ...more], from, false), from, draw.head);
  },
};

test('B18: of a thousand changes each is found, and the first line that is wrong is named', async () => {
  const lines = flat(whole.files);
  const line = fc.nat({ max: (whole.head.covered?.seq ?? 0) - 1 });
  const draws: fc.Arbitrary<Draw> = fc.record({
    kind: fc.constantFrom(...(Object.keys(kinds) as (keyof typeof kinds)[])),
    at: line,
    other: line,
    byte: fc.nat(),
    flip: fc.integer({ min: 1, max: 255 }),
    text: fc.string().map((text) => text.replaceAll('\n', ' ')),
    withMacs: fc.boolean(),
    head: fc.constantFrom('true', 'none', 'made up', 'of the line'),
  });
  await fc.assert(
    fc.asyncProperty(draws, async (draw) => {
      const { files, head, at, isPlain } = kinds[draw.kind](lines, draw);
      whole.put(files, head);
      const verdict = await whole.verify();
      expect(verdict).toMatchObject({ ok: false, keys: 'used' });
      // Without its first line the others may still be as they were.
      expect(at === 0 ? 0 : (verdict.covered ?? 0)).toBeLessThanOrEqual(at + 1);
      const found = indexOf(verdict, files);
      expect(isPlain ? [at, at + 1] : [found]).toContain(found);
      expect((await whole.verify('locked')).ok && isPlain).toBe(false);
    }),
    { numRuns: 1000 },
  );
}, 120_000);
