import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { lacks } from '../../../../test/kit/needs.ts';
import { maxInput, readDescriptor } from './descriptor.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-descriptor-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function read(bytes: Uint8Array): Promise<Buffer> {
  const file = join(folder, 'input');
  writeFileSync(file, bytes);
  const fd = openSync(file, 'r');
  try {
    return await readDescriptor(fd);
  } finally {
    closeSync(fd);
  }
}

test('every byte comes through, also those that are no text', async () => {
  for (const length of [0, 1, 16 * 1024, 16 * 1024 + 1, 500_000]) {
    const bytes = Buffer.from(Array.from({ length }, (_, index) => (index * 7) % 256));
    expect((await read(bytes)).equals(bytes)).toBe(true);
  }
});

test('more than 1 MiB is refused', async () => {
  expect(await read(Buffer.alloc(maxInput))).toHaveLength(maxInput);
  await expect(read(Buffer.alloc(maxInput + 1))).rejects.toMatchObject({ code: 'ERR_USAGE' });
});

test('a descriptor that is not open is refused', async () => {
  await expect(readDescriptor(250)).rejects.toMatchObject({
    code: 'ERR_USAGE',
    hint: 'open it for the command: --fd 250 250< FILE',
  });
});

/** What a fresh Node makes of descriptor `fd`, opened by a shell as `redirection` says. */
function inShell(fd: number, redirection: string): { stdout: string; status: number | null } {
  const module = new URL('descriptor.ts', import.meta.url).href;
  const script = `import(${JSON.stringify(module)}).then(async ({ readDescriptor }) => {
    try { process.stdout.write(await readDescriptor(${fd})); }
    catch (error) { process.stdout.write(String(error.code)); }
  });`;
  const { stdout, status } = spawnSync(
    'sh',
    [
      '-c',
      `exec "$0" --conditions=dev --input-type=module -e "$1" ${redirection}`,
      process.execPath,
      script,
    ],
    { encoding: 'utf8', timeout: 20_000 },
  );
  return { stdout, status };
}

test('a pipe and a here-document are read to their end', () => {
  expect(inShell(3, '3<<E\nvalue\nE').stdout).toBe('value\n');
  expect(inShell(7, '7<<E\nvalue\nE').stdout).toBe('value\n');
});

test.skipIf(lacks('linux'))('a descriptor of Node itself is refused and not waited for', () => {
  const answers = [3, 4, 5, 6, 7, 8, 9].map((fd) => inShell(fd, '').stdout);
  expect(new Set(answers)).toEqual(new Set(['ERR_USAGE']));
});
