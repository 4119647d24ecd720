import { spawn, spawnSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lacks } from '../../../../test/kit/needs.ts';
import { createDigests } from './digests.ts';
import { findCommand } from './find-command.ts';

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
  test.each(found)('%s', (_title, command, path, expected) => {
    expect(findCommand(command, path(folder), () => folder)).toBe(join(folder, expected));
  });

  const refused: [title: string, command: string, path: (f: string) => string, code: string][] = [
    ['that is nowhere', 'nothing-of-this-name', (f) => f, 'ERR_COMMAND_NOT_FOUND'],
    ['that is no executable file anywhere', 'plain', (f) => `${f}/one`, 'ERR_NOT_EXECUTABLE'],
    ['that is a folder', './folder', () => '', 'ERR_NOT_EXECUTABLE'],
    ['whose path does not exist', './none/tool', () => '', 'ERR_COMMAND_NOT_FOUND'],
  ];
  test.each(refused)('%s is refused', (_title, command, path, code) => {
    expect(() => findCommand(command, path(folder), () => folder)).toThrow(
      expect.objectContaining({ code }),
    );
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

  const soon = (): number => Date.now() + 3000;

  test.skipIf(lacks('python3')).each([
    ['a script', 100],
    ['a bundle', 512 * 1024],
    ['a file that is read in pieces', 2 * 1024 * 1024],
  ])('of %s follows what a shared mapping writes', async (_title, size) => {
    const digests = createDigests({ now: soon });
    const mapped = await mapFile(join(folder, 'mapped'), size);
    const before = await digests.examine(mapped.file);
    await mapped.write();
    expect((await digests.examine(mapped.file)).digest).not.toBe(before.digest);
    await mapped.end();
  });

  test.skipIf(lacks('python3') || isInMemory(tmpdir()))(
    'of a large file follows what a shared mapping writes, once it is on disk',
    async () => {
      const digests = createDigests({ now: soon });
      const mapped = await mapFile(join(folder, 'mapped-large'), 5 * 1024 * 1024);
      const before = await digests.examine(mapped.file);
      await mapped.write();
      expect((await digests.examine(mapped.file)).digest).not.toBe(before.digest);
      await mapped.end();
    },
  );

  test.skipIf(lacks('linux', 'python3') || !isInMemory('/dev/shm'))(
    'of a bundle in memory follows what a shared mapping writes, since it is not kept',
    async () => {
      const place = mkdtempSync('/dev/shm/mcp-mapped-');
      const digests = createDigests({ now: soon });
      const mapped = await mapFile(join(place, 'bundle'), 512 * 1024);
      const before = await digests.examine(mapped.file);
      await mapped.write();
      expect((await digests.examine(mapped.file)).digest).not.toBe(before.digest);
      await mapped.end();
      rmSync(place, { recursive: true });
    },
  );

  test.skipIf(lacks('linux') || isInMemory(tmpdir()))(
    'of a bundle is kept once the file is two seconds old, on a disk',
    async () => {
      const file = join(folder, 'bundle');
      writeFileSync(file, Buffer.alloc(1024 * 1024));
      const digests = createDigests({ now: soon });
      const medianMs = async (): Promise<number> => {
        const times: number[] = [];
        for (let i = 0; i < 21; i++) {
          const began = performance.now();
          await digests.examine(file);
          times.push(performance.now() - began);
        }
        return times.sort((a, b) => a - b)[10] ?? 0;
      };
      const kept = await medianMs();
      const bytes = readFileSync(file);
      const began = performance.now();
      for (let i = 0; i < 5; i++) hash('sha256', bytes);
      expect(kept).toBeLessThan((performance.now() - began) / 5);
    },
  );

  test('comes with the first bytes of the file', async () => {
    const digests = createDigests({ now: soon });
    const file = join(folder, 'with-head');
    writeFileSync(file, `#!/bin/sh\n${'x'.repeat(5 * 1024 * 1024)}`);
    for (let i = 0; i < 2; i++) {
      const { head } = await digests.examine(file);
      expect(head).toHaveLength(256);
      expect(Buffer.from(head).toString()).toMatch(/^#!\/bin\/sh\nx+$/);
    }
  });

  test('of a large file is kept once the file is two seconds old, and not before', async () => {
    const file = join(folder, 'large');
    writeFileSync(file, Buffer.alloc(40 * 1024 * 1024));
    const took = async (digests: ReturnType<typeof createDigests>): Promise<number> => {
      await digests.examine(file);
      const began = process.cpuUsage().user;
      await digests.examine(file);
      return process.cpuUsage().user - began;
    };
    const { ctimeMs } = statSync(file);
    const young = await took(createDigests({ now: () => ctimeMs + 1500 }));
    const settled = await took(createDigests({ now: () => ctimeMs + 2500 }));
    expect(settled).toBeLessThan(young / 2);
  });

  test('of a file that cannot be read, or has gone, is an error of the command', async () => {
    const digests = createDigests();
    await expect(digests.examine(join(folder, 'none'))).rejects.toMatchObject({
      code: 'ERR_COMMAND_NOT_FOUND',
    });
    await expect(digests.examine(join(folder, 'one'))).rejects.toMatchObject({
      code: 'ERR_NOT_EXECUTABLE',
    });
    const pipe = join(folder, 'pipe');
    spawnSync('mkfifo', [pipe]);
    await expect(digests.examine(pipe)).rejects.toMatchObject({ code: 'ERR_NOT_EXECUTABLE' });
  });

  // Root reads everything; so another one asks.
  test.skipIf(lacks('root', 'linux'))('of a file without read permission is refused', async () => {
    const file = join(folder, 'unreadable');
    writeFileSync(file, '#!/bin/sh\n');
    chmodSync(file, 0o711);
    chmodSync(folder, 0o755);
    process.seteuid?.(65_534);
    try {
      await expect(createDigests().examine(file)).rejects.toMatchObject({
        code: 'ERR_NOT_EXECUTABLE',
        message: `command cannot be read: ${file}`,
        hint: expect.stringContaining('readable') as string,
      });
    } finally {
      process.seteuid?.(0);
    }
  });
});

/** A file that another process has mapped and written to, so that it can be written without a trace. */
async function mapFile(
  file: string,
  size: number,
): Promise<{ file: string; write(): Promise<void>; end(): Promise<void> }> {
  writeFileSync(file, Buffer.alloc(size));
  const program = `
import mmap, sys
file = open(sys.argv[1], 'r+b')
memory = mmap.mmap(file.fileno(), 0)
for line in sys.stdin:
    memory[0] = memory[0] + 1
    print('written', flush=True)
`;
  const child = spawn('python3', ['-c', program, file], { stdio: ['pipe', 'pipe', 'inherit'] });
  const write = async (): Promise<void> => {
    child.stdin.write('\n');
    await once(child.stdout, 'data');
  };
  await write();
  return {
    file,
    write,
    async end() {
      child.stdin.end();
      await once(child, 'close');
    },
  };
}

function isInMemory(path: string): boolean {
  const tmpfs = 0x0102_1994;
  if (process.platform !== 'linux') return true;
  return existsSync(path) && statfsSync(path).type === tmpfs;
}
