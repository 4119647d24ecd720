import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { BrokerError } from './errors.ts';
import { readOwnFile } from './safe-open.ts';

const folder = mkdtempSync(join(tmpdir(), 'safe-open-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const options = { what: 'config file', maxBytes: 100 };
let count = 0;

function file(mode: number, content = 'abc'): string {
  const path = join(folder, `file-${(count += 1)}`);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

function refusal(path: string): BrokerError {
  try {
    readOwnFile(path, options);
  } catch (error) {
    if (error instanceof BrokerError) return error;
    throw error;
  }
  throw new Error(`${path} was read`);
}

test.each([0o600, 0o400])('a file of mode %o is read', (mode) => {
  expect(readOwnFile(file(mode), options)?.toString()).toBe('abc');
});

test('the buffer has memory of its own', () => {
  const buffer = readOwnFile(file(0o600), options);
  expect(buffer?.buffer.byteLength).toBe(3);
});

test('an empty file gives no bytes', () => {
  expect(readOwnFile(file(0o600, ''), options)).toHaveLength(0);
});

test('a file that is not there gives undefined', () => {
  expect(readOwnFile(join(folder, 'absent'), options)).toBeUndefined();
});

test.each([0o604, 0o640, 0o660, 0o644, 0o666, 0o700, 0o4600])('mode %o is refused', (mode) => {
  const path = file(mode);
  const error = refusal(path);
  expect(error.code).toBe('ERR_INSECURE_FILE');
  expect(error.message).toBe(`config file ${path} has mode ${mode.toString(8).padStart(4, '0')}`);
  expect(error.hint).toBe(`chmod 600 ${path}`);
});

test('a symbolic link is refused', () => {
  const path = join(folder, 'link');
  symlinkSync(file(0o600), path);
  expect(refusal(path)).toMatchObject({
    code: 'ERR_INSECURE_FILE',
    message: `config file ${path} is a symbolic link`,
  });
});

test('a folder, a pipe and a device are refused at once', () => {
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', ['-m', '600', pipe]);
  for (const path of [folder, pipe, '/dev/null']) {
    expect(refusal(path)).toMatchObject({
      code: 'ERR_INSECURE_FILE',
      message: `config file ${path} is not a regular file`,
    });
  }
});

test('a larger file is refused', () => {
  const path = file(0o600, 'x'.repeat(101));
  expect(refusal(path)).toMatchObject({
    code: 'ERR_CORRUPT',
    message: `config file ${path} is larger than 100 bytes`,
  });
});

test('a path that is no path of a file is refused', () => {
  expect(refusal(join(file(0o600), 'below')).message).toMatch(/cannot be read: ENOTDIR$/);
});

test('a path with a blank is quoted in the hint', () => {
  const path = join(folder, "it's here");
  writeFileSync(path, '', { mode: 0o644 });
  expect(refusal(path).hint).toBe(String.raw`chmod 600 '${folder}/it'\''s here'`);
});

const root = process.getuid?.() === 0;
if (!root && process.env['MCP_TEST_REAL'] === 'require') throw new Error('these tests need root');
if (!root) console.warn('skipped: a file of another user (needs root)'); // oxlint-disable-line no-console -- says what is not tested

test.skipIf(!root)('a file of another user is refused', () => {
  const path = file(0o600);
  chownSync(path, 65_534, 65_534);
  expect(refusal(path)).toMatchObject({
    code: 'ERR_INSECURE_FILE',
    message: `config file ${path} belongs to user 65534, not to you`,
  });
});

test.skipIf(!root)("root's file is read only by those who allow it, and only when narrow", () => {
  // The descriptor is opened by root either way: only the comparison sees the other user.
  const getuid = vi.spyOn(process, 'getuid').mockReturnValue(1234);
  try {
    const path = file(0o440);
    expect(refusal(path).message).toMatch(/belongs to user 0, not to you$/);
    expect(readOwnFile(path, { ...options, rootMayOwn: true })?.toString()).toBe('abc');
    expect(() => readOwnFile(file(0o444), { ...options, rootMayOwn: true })).toThrow('mode 0444');
    expect(() => readOwnFile(file(0o460), { ...options, rootMayOwn: true })).toThrow('mode 0460');
  } finally {
    getuid.mockRestore();
  }
});
