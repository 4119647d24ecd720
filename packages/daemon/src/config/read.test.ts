import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { BrokerError } from '@mcp-broker/providers/errors';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readConfig } from './read.ts';

const good = 'version: "1.0"\nsettings: {ttl: 1m}\n';
const evil = 'version: "1.0"\nsettings: {ttl: 30d}\n';
const isRoot = process.getuid?.() === 0;
const required = process.env['MCP_TEST_REAL'] === 'require';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-config-'));
  file = join(folder, 'config.yaml');
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function failure(): BrokerError {
  try {
    readConfig(file);
  } catch (error) {
    if (error instanceof BrokerError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

test('a file that is ours alone is read', () => {
  writeFileSync(file, good, { mode: 0o600 });
  expect(readConfig(file)).toMatchObject({
    state: 'loaded',
    config: { settings: { ttlMs: 60_000 } },
  });
  chmodSync(file, 0o400);
  expect(readConfig(file).state).toBe('loaded');
});

test('without a file the defaults hold', () => {
  expect(readConfig(file)).toMatchObject({
    state: 'absent',
    config: { settings: { ttlMs: 300_000 } },
  });
});

test.each([0o644, 0o640, 0o604, 0o660, 0o700])(
  'mode %o is refused with the command that narrows it',
  (mode) => {
    writeFileSync(file, good);
    chmodSync(file, mode);
    expect(failure()).toMatchObject({
      code: 'ERR_INSECURE_FILE',
      exitCode: 78,
      hint: `chmod 600 ${file}`,
    });
  },
);

test('a symbolic link is refused, wherever it leads', () => {
  const target = join(folder, 'target');
  symlinkSync(target, file);
  expect(failure().code).toBe('ERR_INSECURE_FILE');
  writeFileSync(target, good, { mode: 0o600 });
  expect(failure().code).toBe('ERR_INSECURE_FILE');
});

test('a folder and a pipe are refused, and neither is waited for', () => {
  mkdirSync(file);
  expect(failure().code).toBe('ERR_INSECURE_FILE');
  rmSync(file, { recursive: true });
  execFileSync('mkfifo', ['-m', '600', file]);
  expect(failure().code).toBe('ERR_INSECURE_FILE');
});

test.skipIf(!isRoot && !required)('someone else’s file is refused (needs root, for chown)', () => {
  writeFileSync(file, good, { mode: 0o600 });
  chownSync(file, 12_345, 12_345);
  expect(failure()).toMatchObject({ code: 'ERR_INSECURE_FILE', exitCode: 78 });
});

test('a file of more than 1 MiB is refused', () => {
  writeFileSync(file, `${good}#${' '.repeat(1024 * 1024)}`, { mode: 0o600 });
  expect(failure()).toMatchObject({ code: 'ERR_CORRUPT', exitCode: 78 });
});

test.each([
  ['a byte that UTF-8 has not', Buffer.from([0xff])],
  ['half a character', Buffer.from([0xe2, 0x82])],
  ['a surrogate', Buffer.from([0xed, 0xa0, 0x80])],
  ['a slash in two bytes', Buffer.from([0xc0, 0xaf])],
])('%s is refused with its line', (_what, bytes) => {
  writeFileSync(file, Buffer.concat([Buffer.from(`${good}# `), bytes]), { mode: 0o600 });
  expect(failure()).toMatchObject({
    code: 'ERR_CONFIG',
    message: `${file}: line 3: this is not UTF-8 text`,
  });
});

test('a file in UTF-16 is refused', () => {
  writeFileSync(file, Buffer.from(`\ufeff${good}`, 'utf16le'), { mode: 0o600 });
  expect(failure().message).toBe(`${file}: line 1: this is not UTF-8 text`);
});

test('a byte order mark is no part of the text', () => {
  writeFileSync(file, `\ufeff${good}`, { mode: 0o600 });
  expect(readConfig(file).config.settings.ttlMs).toBe(60_000);
});

test('B4: a link that takes the place of the file while it is read is never followed', async () => {
  const target = join(folder, 'evil.yaml');
  writeFileSync(target, evil, { mode: 0o600 });
  writeFileSync(file, good, { mode: 0o600 });
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const swapper = new Worker(
    `const { renameSync, symlinkSync, writeFileSync } = require('node:fs');
     const { workerData: { file, target, good, stop } } = require('node:worker_threads');
     for (let swaps = 0; Atomics.load(stop, 0) === 0; swaps++) {
       if (swaps % 2 === 0) symlinkSync(target, file + '.new');
       else writeFileSync(file + '.new', good, { mode: 0o600 });
       renameSync(file + '.new', file);
     }`,
    { eval: true, workerData: { file, target, good, stop } },
  );
  const ended = once(swapper, 'exit');
  const seen = { good: 0, refused: 0, evil: 0 };
  try {
    // Until both were met often, so that a machine that never switches does not pass for a proof.
    const deadline = performance.now() + 20_000;
    while ((seen.good < 200 || seen.refused < 200) && performance.now() < deadline) {
      try {
        if (readConfig(file).config.settings.ttlMs === 60_000) seen.good++;
        else seen.evil++;
      } catch (error) {
        if (!(error instanceof BrokerError) || error.code !== 'ERR_INSECURE_FILE') throw error;
        seen.refused++;
      }
    }
  } finally {
    Atomics.store(stop, 0, 1);
    await ended;
  }
  expect(seen.evil).toBe(0);
  expect(Math.min(seen.good, seen.refused)).toBeGreaterThanOrEqual(200);
});
