import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { tryFileLock } from './file-lock.ts';
import { createPlatform } from './platform/index.ts';

const platform = createPlatform();
let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-lock-'));
  file = join(folder, 'daemon.lock');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('a lock is held by one alone, until it is released', () => {
  const release = tryFileLock(file, platform);
  expect(release).toBeTypeOf('function');
  expect(tryFileLock(file, platform)).toBeUndefined();
  release?.();
  const again = tryFileLock(file, platform);
  expect(again).toBeTypeOf('function');
  again?.();
});

test.each([
  [
    'a link',
    (): void => {
      writeFileSync(join(folder, 'elsewhere'), '');
      symlinkSync(join(folder, 'elsewhere'), file);
    },
  ],
  ['a folder', (): unknown => mkdirSync(file)],
  ['a pipe', (): unknown => spawnSync('mkfifo', [file])],
])('%s in the place of a lock is refused', (_title, put) => {
  put();
  expect(() => tryFileLock(file, platform)).toThrow(
    expect.objectContaining({ code: 'ERR_INSECURE_FILE', subject: file, hint: 'move it away' }),
  );
});
