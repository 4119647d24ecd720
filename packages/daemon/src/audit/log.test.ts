import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { verifyChain, type ChainVerdict } from '../testing/verify-chain.ts';
import type { AuditEvent, AuditLog } from './event.ts';
import { origin, type Head } from './link.ts';
import { openAuditLog } from './log.ts';

const event: AuditEvent = { event: 'launch', outcome: 'allowed', variables: ['TOKEN'] };

let home: string;
let folder: string;
let file: string;
let log: AuditLog;

beforeEach(async () => {
  home = fs.mkdtempSync(join(tmpdir(), 'audit-'));
  folder = join(home, 'audit');
  file = join(folder, 'current.jsonl');
  log = await openAuditLog(folder, Date.now);
});

afterEach(async () => {
  await log.close();
  fs.rmSync(home, { recursive: true });
});

async function reopen(): Promise<void> {
  await log.close();
  log = await openAuditLog(folder, Date.now);
}

async function appendMany(count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, () => log.append(event)));
}

function readLines(path: string = file): string[] {
  const text = fs.readFileSync(path, 'utf8');
  expect(text === '' || text.endsWith('\n')).toBe(true);
  return text.split('\n').slice(0, -1);
}

function readHead(): Head {
  const [seq, hash] = fs.readFileSync(join(folder, 'head'), 'utf8').trim().split(' ');
  return { seq: Number(seq), hash: hash ?? '' };
}

function verify(): ChainVerdict {
  return verifyChain(readLines(), { head: readHead() });
}

describe('lines', () => {
  test('are numbered and chained from the first, one each, in the order of the calls', async () => {
    expect(log.sequence).toBe(0);
    const servers = Array.from({ length: 200 }, (_, index) => `server-${index}`);
    await Promise.all(servers.map((server) => log.append({ ...event, server })));
    await log.append({ ...event, server: 'last' });
    const parsed = readLines().map((line) => JSON.parse(line) as { server: string; seq: number });
    expect(parsed.map(({ server }) => server)).toEqual([...servers, 'last']);
    expect(parsed.map(({ seq }) => seq)).toEqual(parsed.map((_, index) => index + 1));
    expect(verify()).toMatchObject({ ok: true, head: { seq: 201 } });
    expect([log.sequence, log.state]).toEqual([201, 'ok']);
  });

  test('begin with 64 zeroes and have the time of the clock', async () => {
    await log.close();
    log = await openAuditLog(folder, () => 0);
    await log.append(event);
    expect(readLines()).toEqual([
      '{"v":1,"seq":1,"time":"1970-01-01T00:00:00.000Z","event":"launch","outcome":"allowed",' +
        `"variables":["TOKEN"],"prev":"${origin.hash}"}`,
    ]);
  });

  test('go on where they ended when the log is opened again', async () => {
    await appendMany(3);
    await reopen();
    expect(log.sequence).toBe(3);
    await appendMany(2);
    expect(verify()).toMatchObject({ ok: true, head: { seq: 5 } });
  });

  test('that may not be are refused and take no number', async () => {
    const bad = { ...event, value: 'hunter2' } as AuditEvent;
    const results = await Promise.allSettled([
      log.append(event),
      log.append(bad),
      log.append(event),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(results[1]).toMatchObject({ reason: { code: 'ERR_INTERNAL' } });
    expect(verify()).toMatchObject({ ok: true, head: { seq: 2 } });
  });

  test('are refused after close, and those that waited are written', async () => {
    const waiting = log.append(event);
    await log.close();
    await waiting;
    await expect(log.append(event)).rejects.toMatchObject({ code: 'ERR_AUDIT' });
    expect(readLines()).toHaveLength(1);
  });
});

describe('files', () => {
  test('are for their owner alone', () => {
    const modes = [folder, file, join(folder, 'head')].map(
      (path) => fs.statSync(path).mode & 0o777,
    );
    expect(modes).toEqual([0o700, 0o600, 0o600]);
  });

  test.each<[string, () => void, string]>([
    [
      'a folder that others may enter',
      () => {
        fs.chmodSync(folder, 0o755);
      },
      'chmod 700',
    ],
    [
      'a file that others may read',
      () => {
        fs.chmodSync(file, 0o644);
      },
      'chmod 600',
    ],
    [
      'a head that others may read',
      () => {
        fs.chmodSync(join(folder, 'head'), 0o640);
      },
      'chmod 600',
    ],
    [
      'a link to a file',
      () => {
        fs.renameSync(file, join(home, 'x'));
        fs.symlinkSync(join(home, 'x'), file);
      },
      'mv',
    ],
    [
      'a link to nowhere',
      () => {
        fs.rmSync(file);
        fs.symlinkSync(join(home, 'nowhere'), file);
      },
      'mv',
    ],
    [
      'a file with a second name',
      () => {
        fs.linkSync(file, join(home, 'x'));
      },
      'mv',
    ],
    [
      'a folder for a file',
      () => {
        fs.rmSync(file);
        fs.mkdirSync(file);
      },
      'mv',
    ],
    [
      'a link to a folder',
      () => {
        fs.renameSync(folder, join(home, 'x'));
        fs.symlinkSync(join(home, 'x'), folder);
      },
      'mv',
    ],
    [
      'a file for a folder',
      () => {
        fs.renameSync(folder, join(home, 'x'));
        fs.writeFileSync(folder, '');
      },
      'mv',
    ],
  ])('%s is refused', async (_name, arrange, hint) => {
    await log.close();
    arrange();
    const error: unknown = await openAuditLog(folder, Date.now).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'ERR_INSECURE_FILE', hint: expect.stringContaining(hint) });
    expect(fs.existsSync(join(home, 'nowhere'))).toBe(false);
  });

  test('the start of a line at the end is cut off', async () => {
    await appendMany(3);
    await log.close();
    for (const torn of [
      '{',
      '{"v":1,"seq":4,"ti',
      '{"v":1,\0\0\0',
      '\0\0\0',
      `{"v":1,"seq":4,${'x'.repeat(200_000)}`,
    ]) {
      fs.appendFileSync(file, torn);
      log = await openAuditLog(folder, Date.now);
      expect([log.sequence, readLines().length]).toEqual([3, 3]);
      await log.close();
    }
    log = await openAuditLog(folder, Date.now);
    await log.append(event);
    expect(verify()).toMatchObject({ ok: true, head: { seq: 4 } });
  });

  test.each(['something else', 'something else\n', '{"v":1}\n'])(
    'a file that ends in %j is left as it is, and refused',
    async (text) => {
      await log.close();
      fs.writeFileSync(file, text);
      await expect(openAuditLog(folder, Date.now)).rejects.toMatchObject({ code: 'ERR_CORRUPT' });
      expect(fs.readFileSync(file, 'utf8')).toBe(text);
    },
  );

  test.each<[string, () => void]>([
    [
      'lines cut off',
      () => {
        fs.writeFileSync(file, `${readLines().slice(0, 2).join('\n')}\n`);
      },
    ],
    [
      'the file emptied',
      () => {
        fs.truncateSync(file);
      },
    ],
    [
      'the file removed',
      () => {
        fs.rmSync(file);
      },
    ],
    [
      'the last line changed',
      () => {
        fs.writeFileSync(
          file,
          fs.readFileSync(file, 'utf8').replace(/TOKEN(?=[^\n]*\n$)/, 'OTHER'),
        );
      },
    ],
  ])('%s while the daemon was away stays visible', async (_name, tamper) => {
    await appendMany(5);
    await log.close();
    tamper();
    log = await openAuditLog(folder, Date.now);
    expect(log.sequence).toBe(5);
    await log.append(event);
    expect(verify().ok).toBe(false);
  });

  test('a head that is behind or damaged does no harm', async () => {
    for (const text of [`${'1'.padStart(16, '0')} ${'a'.repeat(64)}\n`, 'nonsense', '']) {
      await appendMany(2);
      await log.close();
      fs.writeFileSync(join(folder, 'head'), text);
      log = await openAuditLog(folder, Date.now);
    }
    await log.append(event);
    expect(verify()).toMatchObject({ ok: true, head: { seq: 7 } });
  });
});

describe('reading', () => {
  test('tail gives the newest lines, oldest first, over any number of chunks', async () => {
    await appendMany(1000);
    const lines = readLines();
    for (const count of [0, 1, 2, 10, 999, 1000, 5000]) {
      expect(await log.tail(count)).toEqual(count === 0 ? [] : lines.slice(-count));
    }
  });

  test('tail of an empty log is empty', async () => {
    expect(await log.tail(10)).toEqual([]);
  });

  test('tail of a million lines reads its end alone', async () => {
    await log.append(event);
    const [line = ''] = readLines();
    await log.close();
    fs.writeFileSync(file, `${line}\n`.repeat(1_000_000));
    log = await openAuditLog(folder, Date.now);
    const before = process.memoryUsage().external;
    expect(await log.tail(10)).toEqual(Array.from({ length: 10 }, () => line));
    expect(process.memoryUsage().external - before).toBeLessThan(8_000_000);
  });

  test('tail and follow, begun in one turn, neither repeat a line nor miss one', async () => {
    const seen: string[] = [];
    const writes: Promise<void>[] = [];
    for (let round = 0; round < 50; round++) writes.push(log.append(event));
    const [first] = writes;
    await first;
    for (let round = 0; round < 50; round++) writes.push(log.append(event));
    const end = log.follow((line) => seen.push(line));
    const lines = await log.tail(1000);
    await Promise.all(writes);
    expect([...lines, ...seen]).toEqual(readLines());
    end();
    await log.append(event);
    expect(lines.length + seen.length).toBe(100);
  });

  test('a listener that throws hears no more and harms nobody', async () => {
    let calls = 0;
    log.follow(() => {
      calls += 1;
      throw new Error('no');
    });
    await log.append(event);
    await log.append(event);
    expect([calls, log.sequence]).toEqual([1, 2]);
  });
});

test('a process killed at any moment leaves every line that it was told of, and a whole chain', async () => {
  await log.close();
  const module = new URL('log.ts', import.meta.url).href;
  const program = `
    import { writeSync } from 'node:fs';
    const { openAuditLog } = await import(${JSON.stringify(module)});
    const log = await openAuditLog(${JSON.stringify(folder)}, Date.now);
    writeSync(1, '.');
    const event = { event: 'launch', outcome: 'allowed', server: 'x'.repeat(200) };
    for (;;) {
      await Promise.all(Array.from({ length: 7 }, () => log.append(event)));
      writeSync(1, '.'.repeat(7));
    }`;
  for (let round = 0; round < 10; round++) {
    const child = spawn(
      process.execPath,
      ['--conditions=dev', '--no-warnings', '--input-type=module', '--eval', program],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const exited = once(child, 'exit');
    let told = -1;
    child.stdout.on('data', (chunk: Buffer) => {
      told += chunk.length;
      if (told > 10 + round * 37) child.kill('SIGKILL');
    });
    await exited;
    const before = log.sequence;
    log = await openAuditLog(folder, Date.now);
    expect(log.sequence).toBeGreaterThanOrEqual(before + told);
    expect(verify()).toMatchObject({ ok: true, head: { seq: log.sequence } });
    await log.close();
  }
});
