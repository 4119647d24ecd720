import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { testKey } from '../testing/verify-chain.ts';
import type { AuditVerdict } from '../protocol/messages.ts';
import type { AuditEvent } from './event.ts';
import { currentName, listRotated } from './files.ts';
import { readHead, writeHead, type Covered, type HeadRecord } from './head.ts';
import { encodeEvent, linkLine } from './line.ts';
import { hashLine, origin, readLink, type Head } from './link.ts';
import { openAuditLog } from './log.ts';
import { verifyLog } from './verify.ts';

const launch: AuditEvent = { event: 'launch', outcome: 'allowed', variables: ['TOKEN'] };
const event = (name: AuditEvent['event']): AuditEvent => ({ event: name, outcome: 'allowed' });
const key = testKey();

/** Files of a log by their names, in order, as lines. */
type Files = readonly (readonly [name: string, lines: readonly string[]])[];

let home: string;
let whole: { files: Files; head: HeadRecord };
let folder: string;
beforeAll(async () => {
  home = fs.mkdtempSync(join(tmpdir(), 'audit-'));
  const made = join(home, 'made');
  await makeLog(made);
  whole = { files: readFiles(made), head: headOf(made) };
});
beforeEach(() => {
  folder = fs.mkdtempSync(join(home, 'log-'));
});
afterAll(() => {
  fs.rmSync(home, { recursive: true });
});

/** Three daemons, one of them killed; locked and unlocked; several files; a tail that no MAC covers. */
async function makeLog(at: string): Promise<void> {
  for (const end of ['killed', 'stop', 'lock'] as const) {
    const log = await openAuditLog(at, Date.now, {
      limits: () => ({ rotateAt: 5000, keepMs: 1e12 }),
    });
    const some = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n++) await log.append({ ...launch, server: `server-${n % 5}` });
    };
    await log.append(event('start'));
    await some(3);
    for (let round = 0; round < 2; round++) {
      log.useKey(testKey());
      await log.append(event('unlock'));
      await some(12);
      if (end === 'killed' && round === 1) break;
      await log.append(event(end === 'stop' && round === 1 ? 'stop' : 'lock'));
      if (end !== 'stop' || round === 0) await some(4);
    }
    await log.close();
  }
}

function readFiles(at: string): Files {
  return [...listRotated(at), currentName].map((name) => [
    name,
    fs.readFileSync(join(at, name), 'utf8').split('\n').slice(0, -1),
  ]);
}

function headOf(at: string): HeadRecord {
  const fd = fs.openSync(join(at, 'head'), 'r');
  try {
    return readHead(fd) ?? { newest: origin, covered: undefined };
  } finally {
    fs.closeSync(fd);
  }
}

function put(files: Files, head: HeadRecord): void {
  fs.rmSync(folder, { recursive: true });
  fs.mkdirSync(folder);
  for (const [name, lines] of files) {
    fs.writeFileSync(join(folder, name), lines.map((line) => `${line}\n`).join(''), 'latin1');
  }
  const fd = fs.openSync(join(folder, 'head'), 'w');
  writeHead(fd, head);
  fs.closeSync(fd);
}

/** As a daemon that starts on it and is unlocked. */
function verify(keys: 'used' | 'locked' = 'used', kept?: Head): Promise<AuditVerdict> {
  const size = fs.statSync(join(folder, currentName)).size;
  return verifyLog({
    folder,
    state: () => ({ ...headOf(folder), size, written: size }),
    key: keys === 'used' ? key : undefined,
    ...(kept === undefined ? {} : { vouched: [{ ...kept, by: 'own.age' }] }),
  });
}

const flat = (files: Files): string[] => files.flatMap(([, lines]) => lines);

/** The same lines, shared out to the files as they were. */
function share(lines: readonly string[], like: Files): Files {
  let from = 0;
  return like.map(([name, old], index) => {
    const to = index === like.length - 1 ? lines.length : from + old.length;
    const part = lines.slice(from, to);
    from = to;
    return [name, part];
  });
}

/** What somebody without the key can make: numbers and hashes that are right. */
function rechain(lines: readonly string[], from: number, withMacs: boolean): string[] {
  let last: Head = origin;
  return lines.map((line, index) => {
    const body = /"time":.*(?=,"prev":")/.exec(line)?.[0] ?? '';
    const mac = readLink(Buffer.from(line))?.mac;
    let next = line;
    if (index >= from) {
      next = linkLine(body, last.seq + 1, last.hash);
      if (withMacs && mac !== undefined) next = `${next.slice(0, -1)},"mac":"${mac}"}`;
    }
    last = { seq: last.seq + 1, hash: hashLine(next) };
    return next;
  });
}

function headFor(lines: readonly string[], covered: Covered | undefined): HeadRecord {
  const line = lines.at(-1);
  return {
    newest: line === undefined ? origin : { seq: lines.length, hash: hashLine(line) },
    covered,
  };
}

/** The line of a verdict as an index into all lines. */
function indexOf({ problem }: AuditVerdict, files: Files): number {
  if (problem?.file === 'head') return flat(files).length;
  const before = files.findIndex(([name]) => name === problem?.file);
  return flat(files.slice(0, before)).length + (problem?.line ?? 0) - 1;
}

test('a log that nobody touched is whole, and its tail without a MAC is named', async () => {
  put(whole.files, whole.head);
  const lines = flat(whole.files);
  expect(whole.files.length).toBeGreaterThan(3);
  const covered = lines.findLastIndex((line) => line.includes('"mac"')) + 1;
  expect(await verify()).toEqual({
    ok: true,
    lines: lines.length,
    sequence: lines.length,
    covered,
    keys: 'used',
  });
  expect(covered).toBeLessThan(lines.length);
  expect(whole.head.covered?.seq).toBe(covered);
  expect(await verify('locked')).toMatchObject({ ok: true, covered: null, keys: 'locked' });
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

test('of a thousand changes each is found, and the first line that is wrong is named', async () => {
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
      put(files, head);
      const verdict = await verify();
      expect(verdict).toMatchObject({ ok: false, keys: 'used' });
      if (at > 0) expect(verdict.covered ?? 0).toBeLessThanOrEqual(at + 1);
      if (!isPlain) return;
      expect([at, at + 1]).toContain(indexOf(verdict, files));
      expect(await verify('locked')).toMatchObject({ ok: false });
    }),
    { numRuns: 1000 },
  );
}, 120_000);

describe('what the lines alone do not show', () => {
  const rewritten = (): string[] => {
    const lines = flat(whole.files);
    return rechain(lines.slice(0, 3), 0, false);
  };

  test('a log written anew from its first line, with its head, is known by own.age', async () => {
    const lines = rewritten();
    put([[currentName, lines]], headFor(lines, undefined));
    expect(await verify()).toMatchObject({ ok: true });
    expect(await verify('used', whole.head.covered)).toMatchObject({
      ok: false,
      problem: {
        file: currentName,
        line: 4,
        message: expect.stringContaining('missing') as string,
      },
    });
  });

  test('a log of an earlier day, with the head of that day, is known by own.age', async () => {
    const at = join(home, 'earlier');
    const log = await openAuditLog(at, Date.now);
    log.useKey(testKey());
    await log.append(launch);
    const earlier = readFiles(at);
    const head = headOf(at);
    await log.append(launch);
    const kept = log.checkpoint();
    await log.close();
    put(earlier, head);
    expect(await verify()).toMatchObject({ ok: true });
    expect(await verify('used', kept)).toMatchObject({ ok: false, problem: { line: 2 } });
  });

  test('bytes after the last line that the daemon wrote', async () => {
    put(whole.files, whole.head);
    const { size } = fs.statSync(join(folder, currentName));
    fs.appendFileSync(join(folder, currentName), 'x\n');
    const verdict = await verifyLog({
      folder,
      state: () => ({ ...whole.head, size, written: size }),
      key,
    });
    expect(verdict).toMatchObject({
      ok: false,
      problem: { file: currentName, message: 'was not written by the daemon' },
    });
  });
});

describe('a daemon that starts on a log that was forged while it was away', () => {
  const limits = { limits: () => ({ rotateAt: 5000, keepMs: 1e12 }) };

  async function unlockOn(kept?: Head): Promise<{ verdict: AuditVerdict; told: number }> {
    fs.chmodSync(folder, 0o700);
    for (const name of fs.readdirSync(folder)) fs.chmodSync(join(folder, name), 0o600);
    let told = 0;
    const log = await openAuditLog(folder, Date.now, { ...limits, onForged: () => (told += 1) });
    await log.append(event('start'));
    log.useKey(testKey(), kept);
    await log.append(event('unlock'));
    await log.append(launch);
    const verdict = await verifyLog({ folder, state: () => log.known, key });
    await log.close();
    return { verdict, told };
  }

  test('goes on with one that nobody touched', async () => {
    put(whole.files, whole.head);
    const { verdict, told } = await unlockOn(whole.head.covered);
    expect([verdict.ok, verdict.covered, told]).toEqual([true, verdict.sequence, 0]);
  });

  test.each<[string, (lines: string[]) => [string[], Covered | undefined], boolean]>([
    [
      'made right again after a change, with the true head',
      (lines) => [
        rechain(lines.toSpliced(20, 0, linkLine(encodeEvent(event('start'), 0), 1, '')), 20, false),
        whole.head.covered,
      ],
      false,
    ],
    ['cut off, with a head that names no MAC', (lines) => [lines.slice(0, 20), undefined], false],
    [
      'cut off, with a head whose MAC is made up',
      (lines) => [
        lines.slice(0, 20),
        { seq: 20, hash: hashLine(lines[19] ?? ''), mac: 'a'.repeat(64) },
      ],
      false,
    ],
    ['cut off, with the true head', (lines) => [lines.slice(0, 20), whole.head.covered], false],
    [
      'written anew from its first line',
      (lines) => [rechain(lines.slice(0, 3), 0, false), undefined],
      true,
    ],
  ])('%s, does not vouch for it: the break stays', async (_name, forge, withOwn) => {
    const [lines, covered] = forge(flat(whole.files));
    put([[currentName, lines]], headFor(lines, covered));
    const { verdict, told } = await unlockOn(withOwn ? whole.head.covered : undefined);
    expect([verdict.ok, told]).toEqual([false, 1]);
    // Not only until the next start.
    expect((await unlockOn()).verdict.ok).toBe(false);
  });
});

test('others have their turn while a long log is read', async () => {
  const lines: string[] = [];
  let last = origin;
  const body = encodeEvent({ ...launch, server: 'x'.repeat(100) }, 0);
  for (let n = 0; n < 100_000; n++) {
    lines.push(linkLine(body, last.seq + 1, last.hash));
    last = { seq: last.seq + 1, hash: hashLine(lines.at(-1) ?? '') };
  }
  put([[currentName, lines]], { newest: last, covered: undefined });
  let longest = 0;
  let before = performance.now();
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - before);
    before = performance.now();
  }, 0);
  expect(await verify()).toMatchObject({ ok: true, lines: 100_000 });
  clearInterval(timer);
  expect(longest).toBeLessThan(500);
});
