import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDigests, findCommand } from './executable.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-executable-'));
  for (const name of ['one', 'two', 'folder']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'one', 'plain'), 'text');
  for (const place of ['one', 'two']) {
    writeFileSync(join(folder, place, 'tool'), `#!/bin/sh\necho ${place}\n`, { mode: 0o755 });
  }
  writeFileSync(join(folder, 'two', 'plain'), '#!/bin/sh\n', { mode: 0o755 });
  symlinkSync(join(folder, 'one', 'tool'), join(folder, 'link'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe('a command', () => {
  const found: [
    title: string,
    command: string,
    path: (f: string) => string | null,
    expected: string,
  ][] = [
    [
      'is found in the first folder of PATH that has it',
      'tool',
      (f) => `${f}/none:${f}/one:${f}/two`,
      'one/tool',
    ],
    [
      'is looked for further when a file is not executable',
      'plain',
      (f) => `${f}/one:${f}/two`,
      'two/plain',
    ],
    ['with a slash is a path from the working folder', './one/tool', () => null, 'one/tool'],
    [
      'is found by an empty element of PATH in the working folder',
      'link',
      () => '/nowhere::/none',
      'link',
    ],
  ];
  test.each(found)('%s', async (_title, command, path, expected) => {
    expect(await findCommand(command, path(folder), folder)).toBe(join(folder, expected));
  });

  const refused: [title: string, command: string, path: (f: string) => string, code: string][] = [
    ['that is nowhere', 'nothing-of-this-name', (f) => f, 'ERR_COMMAND_NOT_FOUND'],
    ['that is no executable file anywhere', 'plain', (f) => `${f}/one`, 'ERR_NOT_EXECUTABLE'],
    ['that is a folder', './folder', () => '', 'ERR_NOT_EXECUTABLE'],
    ['whose path does not exist', './none/tool', () => '', 'ERR_COMMAND_NOT_FOUND'],
  ];
  test.each(refused)('%s is refused', async (_title, command, path, code) => {
    await expect(findCommand(command, path(folder), folder)).rejects.toMatchObject({ code });
  });
});

describe('a digest', () => {
  test('is of the content that a link leads to, and keeps the path that was asked for', async () => {
    const seen = await createDigests().examine(join(folder, 'link'));
    const direct = await createDigests().examine(join(folder, 'one', 'tool'));
    expect(seen.digest).toBe(direct.digest);
    expect(seen.realPath).toBe(direct.realPath);
    expect(seen.identity.path).toBe(join(folder, 'link'));
  });

  test('is made anew once the file has changed, even when size and mode stay', async () => {
    const digests = createDigests();
    const file = join(folder, 'changing');
    writeFileSync(file, 'aaaa');
    const before = await digests.examine(file);
    writeFileSync(file, 'bbbb');
    const after = await digests.examine(file);
    expect(after.digest).not.toBe(before.digest);
    chmodSync(file, 0o700);
    expect((await digests.examine(file)).digest).toBe(after.digest);
  });
});
