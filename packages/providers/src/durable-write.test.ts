import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFile, replaceFile } from './durable-write.ts';

const { signal } = new AbortController();
let folder = '';
let path = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'durable-write-'));
  path = join(folder, 'file');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('a file is replaced, whole and 0600, and nothing is left beside it', async () => {
  writeFileSync(path, 'old and longer', { mode: 0o644 });
  await replaceFile(path, Buffer.from('new'), signal);
  expect(readFileSync(path, 'utf8')).toBe('new');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(['file']);
});

test('what killed writers left is removed, and nothing else', async () => {
  const other = [
    '.file.0123456789abcdef.tmp.bak',
    '.file.tmp',
    '.other.0123456789abcdef.tmp',
    'file.tmp',
  ];
  for (const name of ['.file.0123456789abcdef.tmp', ...other])
    writeFileSync(join(folder, name), '');
  await replaceFile(path, Buffer.from('new'), signal);
  expect(readdirSync(folder)).toEqual([...other, 'file'].sort());
});

test('aborted, it leaves the old file and nothing beside it', async () => {
  writeFileSync(path, 'old');
  await expect(replaceFile(path, Buffer.from('new'), AbortSignal.abort())).rejects.toThrow(
    'aborted',
  );
  expect(readFileSync(path, 'utf8')).toBe('old');
  expect(readdirSync(folder)).toEqual(['file']);
});

test('a new file is created once, however many try', async () => {
  const tries = Array.from({ length: 20 }, (_, index) => createFile(path, Buffer.from(`${index}`)));
  const made = await Promise.all(tries);
  expect(made.filter(Boolean)).toHaveLength(1);
  expect(readFileSync(path, 'utf8')).toBe(String(made.indexOf(true)));
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(['file']);
});

test('a folder that is not there is named', async () => {
  const lost = join(folder, 'lost', 'file');
  await expect(createFile(lost, Buffer.from('new'))).rejects.toMatchObject({
    code: 'ERR_BACKEND_UNAVAILABLE',
    message: `${lost} cannot be written: ENOENT`,
    hint: `ls -ld ${join(folder, 'lost')}`,
  });
});

/** Mounts memory of 64 KiB; `false` where that is not allowed. */
function mountSmall(at: string): boolean {
  mkdirSync(at);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', at], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}

test('a disk that is full keeps the old file, and nothing beside it', async (context) => {
  const small = join(folder, 'small');
  const mounted = mountSmall(small);
  if (!mounted && process.env['MCP_TEST_REAL'] === 'require') throw new Error('needs mount');
  context.skip(!mounted, 'needs to mount a small file system');
  try {
    path = join(small, 'file');
    writeFileSync(path, 'old');
    await expect(replaceFile(path, Buffer.alloc(100_000), signal)).rejects.toMatchObject({
      code: 'ERR_BACKEND_UNAVAILABLE',
      message: `${path} cannot be written: ENOSPC`,
      hint: `df ${small}`,
    });
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(small)).toEqual(['file']);
  } finally {
    execFileSync('umount', [small]);
  }
});
