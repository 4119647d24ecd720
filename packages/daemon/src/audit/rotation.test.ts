import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AuditVerdict } from '../protocol/messages.ts';
import { testKey } from '../testing/verify-chain.ts';
import { realDisk } from './disk.ts';
import type { AuditEvent, AuditLog } from './event.ts';
import { currentName, firstOf, listRotated } from './files.ts';
import { openAuditLog, type LogOptions } from './log.ts';
import { verifyLog } from './verify.ts';

const event: AuditEvent = { event: 'launch', outcome: 'allowed', server: 'x'.repeat(100) };
const day = 86_400_000;
const start = Date.UTC(2026, 0, 1);

let home: string;
let folder: string;
let now: number;
let limits: { rotateAt: number; keepMs: number };
let log: AuditLog;

async function open(options: LogOptions = {}): Promise<void> {
  log = await openAuditLog(folder, () => now, { limits: () => limits, ...options });
}

beforeEach(async () => {
  home = fs.mkdtempSync(join(tmpdir(), 'audit-'));
  folder = join(home, 'audit');
  now = start;
  limits = { rotateAt: 2000, keepMs: 90 * day };
  await open();
});
afterEach(async () => {
  await log.close();
  fs.rmSync(home, { recursive: true });
});

async function append(count: number): Promise<void> {
  for (let n = 0; n < count; n++) await log.append(event);
}

function linesOf(name: string): { seq: number; event: string }[] {
  return fs
    .readFileSync(join(folder, name), 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as { seq: number; event: string });
}

const all = (): number[] =>
  [...listRotated(folder), currentName].flatMap((name) => linesOf(name).map(({ seq }) => seq));
const upTo = (count: number, from = 1): number[] =>
  Array.from({ length: count - from + 1 }, (_, index) => from + index);

const verify = (withKey = true): Promise<AuditVerdict> =>
  verifyLog({ folder, state: () => log.known, key: withKey ? testKey() : undefined });

describe('a file that is full', () => {
  test('gets a name of its number and day, and the chain goes on in the next one', async () => {
    await append(40);
    const names = listRotated(folder);
    expect(names.length).toBeGreaterThan(2);
    for (const name of names) {
      expect(name).toMatch(/^\d{16}-2026-01-01\.jsonl$/);
      expect(firstOf(name)).toBe(linesOf(name)[0]?.seq);
      const { size, mode } = fs.statSync(join(folder, name));
      expect([size <= limits.rotateAt, mode & 0o777]).toEqual([true, 0o600]);
    }
    expect(all()).toEqual(upTo(40));
    expect(await verify()).toMatchObject({ ok: true, lines: 40 });
  });

  test('is as full as it may be, however many wait at once', async () => {
    await Promise.all(Array.from({ length: 40 }, () => log.append(event)));
    await append(1);
    expect(all()).toEqual(upTo(41));
    expect(listRotated(folder)).toHaveLength(1);
  });

  test('is one whose first line has a tenth of its time behind it', async () => {
    limits = { rotateAt: Infinity, keepMs: 10 * day };
    await append(2);
    now += day;
    await append(1);
    expect(listRotated(folder)).toEqual([]);
    now += 1;
    await append(1);
    expect(listRotated(folder)).toEqual(['0000000000000001-2026-01-01.jsonl']);
    expect(all()).toEqual(upTo(4));
  });

  test('is not put over another: that fails, with what to type, until the other is gone', async () => {
    await append(1);
    const taken = join(folder, '0000000000000001-2026-01-01.jsonl');
    fs.writeFileSync(taken, 'mine', { mode: 0o600 });
    limits.rotateAt = 1;
    const attempt = log.append(event);
    await expect(attempt).rejects.toMatchObject({
      code: 'ERR_AUDIT',
      hint: `mv ${taken} ${taken}.aside`,
    });
    expect(fs.readFileSync(taken, 'utf8')).toBe('mine');
    fs.renameSync(taken, `${taken}.aside`);
    await append(1);
    expect(all()).toEqual([1, 2]);
  });

  test.each<[string, NonNullable<LogOptions['disk']>['rename']]>([
    [
      'before it has its name',
      () => {
        throw new Error('stopped');
      },
    ],
    [
      'after it has its name',
      (from, to) => {
        fs.renameSync(from, to);
        throw new Error('stopped');
      },
    ],
  ])('and the daemon fails %s: nothing is lost or there twice', async (_name, rename) => {
    await log.close();
    let fault: typeof rename | undefined = rename;
    await open({
      disk: { ...realDisk, rename: (...names) => (fault ?? realDisk.rename)(...names) },
    });
    let written = 0;
    let failed = 0;
    for (let n = 0; n < 30; n++) {
      await append(1).then(
        () => (written += 1),
        () => (failed += 1),
      );
    }
    expect(failed).toBeGreaterThan(0);
    fault = undefined;
    await append(1);
    expect(all()).toEqual(upTo(written + 1));
    await append(10);
    await log.close();
    await open();
    expect(log.sequence).toBe(written + 11);
    expect(await verify()).toMatchObject({ ok: true, lines: written + 11 });
  });

  test('and the machine stops before the next one has a line, with a head that is behind', async () => {
    await append(5);
    const head = fs.readFileSync(join(folder, 'head'));
    await append(2);
    await log.close();
    fs.renameSync(join(folder, currentName), join(folder, '0000000000000001-2026-01-01.jsonl'));
    fs.writeFileSync(join(folder, 'head'), head, { mode: 0o600 });
    await open();
    expect(log.sequence).toBe(7);
    await append(1);
    expect(await verify()).toMatchObject({ ok: true, lines: 8 });
  });

  test('B18: and a process that is killed at any moment: nothing is lost or there twice', async () => {
    await log.close();
    const program = `
      import { writeSync } from 'node:fs';
      const { openAuditLog } = await import(${JSON.stringify(new URL('log.ts', import.meta.url).href)});
      const limits = () => ({ rotateAt: 900, keepMs: 1e12 });
      const log = await openAuditLog(${JSON.stringify(folder)}, Date.now, { limits });
      log.useKey({ use: (action) => action(new Uint8Array(32).fill(7)), wipe() {} });
      const event = { event: 'launch', outcome: 'allowed', server: 'x'.repeat(200) };
      await log.append({ event: 'start', outcome: 'allowed' });
      writeSync(1, '.');
      for (;;) {
        await log.append(event);
        writeSync(1, '.');
      }`;
    let told = 0;
    for (let round = 0; round < 12; round++) {
      const child = spawn(
        process.execPath,
        ['--conditions=dev', '--no-warnings', '--input-type=module', '--eval', program],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      const exited = once(child, 'exit');
      let here = 0;
      child.stdout.on('data', (chunk: Buffer) => {
        here += chunk.length;
        if (here > 3 + round * 5) child.kill('SIGKILL');
      });
      await exited;
      told += here;
      await open();
      expect(log.sequence).toBeGreaterThanOrEqual(told);
      told = log.sequence;
      expect(all()).toEqual(upTo(told));
      expect(await verify()).toMatchObject({ ok: true });
      await log.close();
    }
    expect(listRotated(folder).length).toBeGreaterThan(5);
  }, 60_000);
});

describe('readers', () => {
  test('tail goes back into the files before', async () => {
    await append(40);
    const seqs = async (count: number): Promise<number[]> =>
      (await log.tail(count)).map((line) => (JSON.parse(line) as { seq: number }).seq);
    expect(await seqs(30)).toEqual(upTo(40, 11));
    expect(await seqs(100)).toEqual(upTo(40));
  });

  test('follow goes on in the next file', async () => {
    const seen: number[] = [];
    log.follow((line) => seen.push((JSON.parse(line) as { seq: number }).seq));
    await append(40);
    expect(seen).toEqual(upTo(40));
  });

  test('B18: verify is not led astray by lines that are written meanwhile', async () => {
    log.useKey(testKey());
    await append(10);
    const writing = (async () => {
      for (let n = 0; n < 300; n++) await Promise.all([append(1), append(1)]);
    })();
    const writer = { isDone: false };
    void writing.then(() => (writer.isDone = true));
    do expect(await verify()).toMatchObject({ ok: true });
    while (!writer.isDone);
    await writing;
    expect(await verify()).toMatchObject({ ok: true, lines: log.sequence, covered: log.sequence });
  });
});

describe('files that are older than the log is kept', () => {
  /** Some files of the first day, then a later day. */
  async function ofTwoDays(): Promise<number> {
    await append(20);
    now += 91 * day;
    return listRotated(folder).length;
  }

  test('go, whole and the oldest first, when the keys are there; and a line says so', async () => {
    log.useKey(testKey());
    await ofTwoDays();
    const [, ...kept] = all();
    expect(kept.length).toBe(19);
    await append(1);
    await expect.poll(() => listRotated(folder)).toEqual([]);
    const [first] = linesOf(currentName);
    const expire = linesOf(currentName).find((line) => line.event === 'expire');
    expect(expire).toMatchObject({
      outcome: 'allowed',
      kept_from: first?.seq,
      mac: expect.any(String) as string,
    });
    expect(await verify()).toMatchObject({ ok: true, lines: 2 });
    expect(await verify(false)).toMatchObject({ ok: true });
    await log.close();
    await open();
    log.useKey(testKey());
    await append(1);
    expect(await verify()).toMatchObject({ ok: true });
  });

  test('stay while the home is locked, and go with the unlock', async () => {
    const before = await ofTwoDays();
    await append(1);
    expect(listRotated(folder).length).toBe(before + 1);
    log.useKey(testKey());
    await append(1);
    await expect.poll(() => listRotated(folder)).toEqual([]);
    expect(await verify()).toMatchObject({ ok: true });
  });

  test('that somebody else removes are told from those', async () => {
    log.useKey(testKey());
    await ofTwoDays();
    await append(1);
    await expect.poll(() => listRotated(folder)).toEqual([]);
    await append(20);
    const [oldest = ''] = listRotated(folder);
    fs.rmSync(join(folder, oldest));
    expect(await verify()).toMatchObject({
      ok: false,
      problem: { line: 1, message: expect.stringContaining('where 1 is due') as string },
    });
  });
});

describe('keys', () => {
  const lock: AuditEvent = { event: 'lock', outcome: 'allowed' };
  const hasMac = (): boolean[] =>
    fs
      .readFileSync(join(folder, currentName), 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => line.includes('"mac"'));

  beforeEach(() => {
    limits.rotateAt = Infinity;
  });

  test('the line of a lock has a MAC and is the last one, in the order of the calls', async () => {
    const key = testKey();
    log.useKey(key);
    await Promise.all([event, lock, event, event].map((each) => log.append(each)));
    expect(hasMac()).toEqual([true, true, false, false]);
    expect(key.isWiped).toBe(true);
    expect(await verify()).toMatchObject({ ok: true, covered: 2 });
  });

  test('a lock that cannot be written is written before the next line, and the key waits for it', async () => {
    await log.close();
    let isFull = true;
    const write: typeof realDisk.write = (...call) => {
      if (isFull) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
      return realDisk.write(...call);
    };
    isFull = false;
    await open({ disk: { ...realDisk, write } });
    const key = testKey();
    log.useKey(key);
    await append(1);
    isFull = true;
    await expect(log.append(lock)).rejects.toMatchObject({ code: 'ERR_AUDIT' });
    await expect(log.append(event)).rejects.toMatchObject({ code: 'ERR_AUDIT' });
    expect(key.isWiped).toBe(false);
    isFull = false;
    await append(1);
    expect(linesOf(currentName).map((line) => line.event)).toEqual(['launch', 'lock', 'launch']);
    expect(hasMac()).toEqual([true, true, false]);
    expect(key.isWiped).toBe(true);
    expect(await verify()).toMatchObject({ ok: true });
  });

  test('an unlock that is taken back takes its key along', async () => {
    const key = testKey();
    log.useKey(key);
    log.useKey(undefined);
    expect(key.isWiped).toBe(true);
    await append(1);
    expect(hasMac()).toEqual([false]);
  });

  test('close wipes them', async () => {
    const key = testKey();
    log.useKey(key);
    await append(1);
    await log.close();
    expect(key.isWiped).toBe(true);
    await open();
  });
});
