import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditVerdict } from '../protocol/messages.ts';
import {
  createLogFiles,
  event,
  flat,
  headFor,
  headOf,
  launch,
  limits,
  readFiles,
  rechain,
  type LogFiles,
} from '../testing/log-files.ts';
import { testKey } from '../testing/verify-chain.ts';
import { currentName } from './files.ts';
import type { Covered } from './head.ts';
import { encodeEvent, linkLine } from './line.ts';
import { hashLine, origin, type Head } from './link.ts';
import { openAuditLog } from './log.ts';
import { verifyLog } from './verify.ts';

let whole: LogFiles;
beforeAll(async () => {
  whole = await createLogFiles();
});
afterAll(() => {
  whole.remove();
});

describe('what the lines alone do not show', () => {
  const rewritten = (): string[] => {
    const lines = flat(whole.files);
    return rechain(lines.slice(0, 3), 0, false);
  };

  test('a log written anew from its first line, with its head, is known by own.age', async () => {
    const lines = rewritten();
    whole.put([[currentName, lines]], headFor(lines, undefined));
    expect(await whole.verify()).toMatchObject({ ok: true });
    expect(await whole.verify('used', whole.head.covered)).toMatchObject({
      ok: false,
      problem: {
        file: currentName,
        line: 4,
        message: expect.stringContaining('missing') as string,
      },
    });
  });

  test('a log of an earlier day, with the head of that day, is known by own.age', async () => {
    const at = join(whole.home, 'earlier');
    const log = await openAuditLog(at, Date.now);
    log.useKey(testKey());
    await log.append(launch);
    const earlier = readFiles(at);
    const head = headOf(at);
    await log.append(launch);
    const kept = log.checkpoint();
    await log.close();
    whole.put(earlier, head);
    expect(await whole.verify()).toMatchObject({ ok: true });
    expect(await whole.verify('used', kept)).toMatchObject({ ok: false, problem: { line: 2 } });
  });

  test('bytes after the last line that the daemon wrote', async () => {
    whole.put(whole.files, whole.head);
    const { size } = fs.statSync(join(whole.folder, currentName));
    fs.appendFileSync(join(whole.folder, currentName), 'x\n');
    const verdict = await verifyLog({
      folder: whole.folder,
      state: () => ({ ...whole.head, size, written: size }),
      key: testKey(),
    });
    expect(verdict).toMatchObject({
      ok: false,
      problem: { file: currentName, message: 'was not written by the daemon' },
    });
  });
});

describe('B18: a daemon that starts on a log that was forged while it was away', () => {
  async function unlockOn(kept?: Head): Promise<{ verdict: AuditVerdict; told: number }> {
    let told = 0;
    const log = await openAuditLog(whole.folder, Date.now, { limits, onForged: () => (told += 1) });
    await log.append(event('start'));
    log.useKey(testKey(), kept);
    await log.append(event('unlock'));
    await log.append(launch);
    const verdict = await verifyLog({
      folder: whole.folder,
      state: () => log.known,
      key: testKey(),
    });
    await log.close();
    return { verdict, told };
  }

  test('goes on with one that nobody touched', async () => {
    whole.put(whole.files, whole.head);
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
    whole.put([[currentName, lines]], headFor(lines, covered));
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
  whole.put([[currentName, lines]], { newest: last, covered: undefined });
  let longest = 0;
  let before = performance.now();
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - before);
    before = performance.now();
  }, 0);
  expect(await whole.verify()).toMatchObject({ ok: true, lines: 100_000 });
  clearInterval(timer);
  expect(longest).toBeLessThan(500);
});
