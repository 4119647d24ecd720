import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { verifyChain } from '../testing/verify-chain.ts';
import { realDisk, type Disk } from './disk.ts';
import type { AuditEvent, AuditLog } from './event.ts';
import { openAuditLog } from './log.ts';

const event: AuditEvent = { event: 'launch', outcome: 'allowed', server: 'x'.repeat(200) };

let home: string;
let folder: string;
let file: string;
let log: AuditLog;
/** What the disk does wrong next. */
let fault: Partial<Disk>;

const disk: Disk = {
  write: (...call) => (fault.write ?? realDisk.write)(...call),
  sync: (fd) => (fault.sync ?? realDisk.sync)(fd),
  truncate: (...call) => {
    (fault.truncate ?? realDisk.truncate)(...call);
  },
  rename: (...call) => {
    (fault.rename ?? realDisk.rename)(...call);
  },
};

beforeEach(async () => {
  home = fs.mkdtempSync(join(tmpdir(), 'audit-'));
  folder = join(home, 'audit');
  file = join(folder, 'current.jsonl');
  fault = {};
  log = await openAuditLog(folder, Date.now, { disk });
});

afterEach(async () => {
  await log.close();
  fs.rmSync(home, { recursive: true });
});

const diskError = (code: string): Error => Object.assign(new Error(code), { code });

const full = (): never => {
  throw diskError('ENOSPC');
};
/** Half of the bytes go in, then the disk is full. */
const halfFull = (): Disk['write'] => {
  let calls = 0;
  return (fd, bytes, offset) => {
    calls += 1;
    return calls > 1 ? full() : fs.writeSync(fd, bytes, offset, bytes.length >> 1);
  };
};
const run = (command: string, ...args: string[]): boolean =>
  spawnSync(command, args, { stdio: 'ignore' }).status === 0;

const readText = (): string => fs.readFileSync(file, 'utf8');
const verify = (): unknown => verifyChain(readText().split('\n').slice(0, -1));

/** Every waiter of a group fails, with the hint; nothing of it is left. */
async function expectFailure(hint: string): Promise<void> {
  const { sequence } = log;
  const results = await Promise.allSettled([1, 2, 3].map(() => log.append(event)));
  for (const result of results) {
    expect(result).toMatchObject({
      status: 'rejected',
      reason: { code: 'ERR_AUDIT', hint: expect.stringContaining(hint) },
    });
  }
  expect([log.sequence, log.state]).toEqual([sequence, 'failing']);
}

async function expectRecovery(): Promise<void> {
  const { sequence } = log;
  await log.append(event);
  expect([log.sequence, log.state]).toEqual([sequence + 1, 'ok']);
}

describe('a disk that fails', () => {
  test.each<[string, () => Partial<Disk>, string]>([
    ['full', () => ({ write: full }), 'df -h'],
    ['full after half of it', () => ({ write: halfFull() }), 'df -h'],
    [
      'read-only',
      () => ({
        write: () => {
          throw diskError('EROFS');
        },
      }),
      'findmnt',
    ],
    ['broken when it syncs', () => ({ sync: () => Promise.reject(diskError('EIO')) }), 'dmesg'],
  ])(
    '%s: all fail, nothing is left, and the next line is written',
    async (_name, arrange, hint) => {
      await log.append(event);
      const before = readText();
      fault = arrange();
      await expectFailure(hint);
      expect(readText()).toBe(before);
      fault = {};
      await expectRecovery();
      expect(verify()).toMatchObject({ ok: true, head: { seq: 2 } });
    },
  );

  test('that does not even let go of what was refused: it goes with the next line', async () => {
    await log.append(event);
    const before = readText();
    fault = {
      sync: () => Promise.reject(diskError('EIO')),
      truncate: () => {
        throw diskError('EIO');
      },
    };
    await expectFailure('dmesg');
    expect(readText().length).toBeGreaterThan(before.length);
    await expectFailure('dmesg');
    fault = {};
    await expectRecovery();
    expect(readText().startsWith(before)).toBe(true);
    expect(verify()).toMatchObject({ ok: true, head: { seq: 2 } });
  });

  test('that writes a few bytes at a time loses none', async () => {
    fault = {
      write: (fd, bytes, offset) =>
        fs.writeSync(fd, bytes, offset, Math.min(7, bytes.length - offset)),
    };
    await Promise.all([1, 2, 3].map(() => log.append(event)));
    expect(verify()).toMatchObject({ ok: true, head: { seq: 3 } });
  });

  test('fails the group that it fails, and not the one that came meanwhile', async () => {
    const { promise, reject } = Promise.withResolvers<undefined>();
    const began = Promise.withResolvers<undefined>();
    fault = {
      sync: () => {
        began.resolve(undefined);
        return promise;
      },
    };
    const first = log.append(event);
    await began.promise;
    const second = log.append(event);
    fault = {};
    reject(diskError('EIO'));
    await expect(first).rejects.toMatchObject({ code: 'ERR_AUDIT' });
    await second;
    expect(verify()).toMatchObject({ ok: true, head: { seq: 1 } });
  });
});

describe('B18: a file that somebody touches', () => {
  test('the folder removed: it fails, then begins a file that goes on with the numbers', async () => {
    await log.append(event);
    fs.rmSync(folder, { recursive: true });
    await expectFailure(`ls -la ${folder}`);
    await expectRecovery();
    expect(verify()).toEqual({ ok: false, line: 1, problem: 'has number 2 where 1 is due' });
    expect(fs.statSync(folder).mode & 0o777).toBe(0o700);
  });

  test('the folder removed while the line is being synced: the line does not count', async () => {
    fault = {
      sync: async (fd) => {
        await realDisk.sync(fd);
        fs.rmSync(folder, { recursive: true });
      },
    };
    await expectFailure('ls -la');
    fault = {};
    await expectRecovery();
    expect(verify()).toMatchObject({ ok: true, head: { seq: 1 } });
  });

  test('the file renamed and back: it fails, then goes on', async () => {
    await log.append(event);
    fs.renameSync(file, `${file}.x`);
    await expectFailure('ls -la');
    fs.renameSync(`${file}.x`, file);
    await expectRecovery();
    expect(verify()).toMatchObject({ ok: true, head: { seq: 2 } });
  });

  test('the file replaced by a copy: it fails, then goes on', async () => {
    await log.append(event);
    fs.copyFileSync(file, `${file}.x`);
    fs.chmodSync(`${file}.x`, 0o600);
    fs.renameSync(`${file}.x`, file);
    await expectFailure('ls -la');
    await expectRecovery();
    expect(verify()).toMatchObject({ ok: true, head: { seq: 2 } });
  });

  test('the file replaced by something else: it fails until that is gone', async () => {
    await log.append(event);
    fs.renameSync(file, `${file}.x`);
    fs.writeFileSync(file, 'something else\n', { mode: 0o600 });
    await expectFailure('ls -la');
    await expectFailure(`mv ${file} ${file}.damaged`);
    expect(readText()).toBe('something else\n');
    fs.renameSync(`${file}.x`, file);
    await expectRecovery();
    expect(verify()).toMatchObject({ ok: true, head: { seq: 2 } });
  });

  test('the file replaced by a link: it fails until that is gone', async () => {
    await log.append(event);
    fs.renameSync(file, `${file}.x`);
    fs.symlinkSync(`${file}.x`, file);
    await expectFailure('ls -la');
    await expectFailure('mv ');
    fs.rmSync(file);
    fs.renameSync(`${file}.x`, file);
    await expectRecovery();
    expect(verify()).toMatchObject({ ok: true, head: { seq: 2 } });
  });

  test('the file emptied: it fails, then goes on with the numbers, and the gap is seen', async () => {
    await log.append(event);
    fs.truncateSync(file);
    await expectFailure('ls -la');
    expect(readText()).toBe('');
    await expectRecovery();
    expect(verify()).toMatchObject({ ok: false, line: 1 });
  });

  test('somebody else’s line appended: it fails, and the line goes', async () => {
    await log.append(event);
    const before = readText();
    fs.appendFileSync(file, '{"v":1,"seq":2,"prev":"forged"}\n');
    await expectFailure('ls -la');
    await expectRecovery();
    expect(readText().startsWith(before)).toBe(true);
    expect(verify()).toMatchObject({ ok: true, head: { seq: 2 } });
  });

  test('the mode widened: the next opening refuses it, with what to type', async () => {
    await log.append(event);
    fault = { sync: () => Promise.reject(diskError('EIO')) };
    await expectFailure('dmesg');
    fault = {};
    fs.chmodSync(file, 0o644);
    await expectFailure(`chmod 600 ${file}`);
    fs.chmodSync(file, 0o600);
    await expectRecovery();
    expect(verify()).toMatchObject({ ok: true, head: { seq: 2 } });
  });

  test('tail reads what is there, and throws nothing but ERR_AUDIT', async () => {
    await log.append(event);
    const [line] = await log.tail(1);
    fs.appendFileSync(file, 'half a li');
    expect(await log.tail(5)).toEqual([line]);
    fs.truncateSync(file, 10);
    expect(await log.tail(5)).toEqual([]);
    fs.rmSync(file);
    await expect(log.tail(5)).rejects.toMatchObject({ code: 'ERR_AUDIT' });
  });
});

test('B18: a file system that is truly full, then truly read-only, then neither', async ({
  skip,
}) => {
  const mounted = join(home, 'small');
  fs.mkdirSync(mounted, { mode: 0o700 });
  if (!run('mount', '-t', 'tmpfs', '-o', 'size=64k,mode=700', 'tmpfs', mounted)) {
    if (process.env['MCP_TEST_REAL'] === 'require') throw new Error('mount needs root');
    skip('mount needs root');
  }
  folder = join(mounted, 'audit');
  file = join(folder, 'current.jsonl');
  const small = await openAuditLog(folder, Date.now);
  await log.close();
  log = small;
  try {
    let written = 0;
    await expect(
      (async () => {
        for (; written < 1000; written++) await log.append(event);
      })(),
    ).rejects.toMatchObject({ code: 'ERR_AUDIT', hint: `make room: df -h ${folder}` });
    expect(written).toBeGreaterThan(10);
    expect(verify()).toMatchObject({ ok: true, head: { seq: written } });
    await expectFailure('df -h');
    run('mount', '-o', 'remount,size=1m', mounted);
    await expectRecovery();

    // Linux refuses to make a file system read-only while a file is open for writing.
    await log.close();
    run('mount', '-o', 'remount,ro', mounted);
    await expect(openAuditLog(folder, Date.now)).rejects.toMatchObject({
      code: 'ERR_AUDIT',
      hint: `mount it for writing: findmnt -T ${folder}`,
    });
    run('mount', '-o', 'remount,rw', mounted);
    log = await openAuditLog(folder, Date.now);
    await log.append(event);
    expect(verify()).toMatchObject({ ok: true, head: { seq: written + 2 } });
  } finally {
    await log.close();
    run('umount', mounted);
  }
});
