import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lookUp } from './lookup.ts';

let folder: string;
let first: string;
let second: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-lookup-'));
  first = join(folder, 'first');
  second = join(folder, 'second');
  for (const each of [first, second]) mkdirSync(each);
  writeFileSync(join(first, 'plain'), '');
  writeFileSync(join(second, 'plain'), '', { mode: 0o755 });
  writeFileSync(join(first, 'both'), '', { mode: 0o755 });
  writeFileSync(join(second, 'both'), '', { mode: 0o755 });
  mkdirSync(join(first, 'folder'));
  writeFileSync(join(second, 'locked'), '');
  chmodSync(join(second, 'locked'), 0o600);
  symlinkSync('nowhere', join(first, 'dangling'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe('a command is looked up as execvp does', () => {
  test('in the first folder of PATH that has it', () => {
    expect(lookUp('both', `/nonexistent:${first}:${second}`)).toBe(join(first, 'both'));
  });

  test('passing over what may not be run while another follows', () => {
    expect(lookUp('plain', `${first}:${second}`)).toBe(join(second, 'plain'));
  });

  test('a name with a slash is a path', () => {
    expect(lookUp(join(second, 'plain'), '')).toBe(join(second, 'plain'));
  });

  test('an empty element of PATH is the working folder', () => {
    const before = process.cwd();
    process.chdir(second);
    try {
      expect(lookUp('both', '/nonexistent:')).toBe('./both');
    } finally {
      process.chdir(before);
    }
  });

  test('without a PATH in the folders of the C library', () => {
    expect(lookUp('sh', undefined)).toBe('/bin/sh');
  });

  test.each([
    ['what is nowhere', 'nosuch', 'ERR_COMMAND_NOT_FOUND'],
    ['a symlink to nothing', 'dangling', 'ERR_COMMAND_NOT_FOUND'],
    ['a file without the mode', 'locked', 'ERR_NOT_EXECUTABLE'],
    ['a folder', 'folder', 'ERR_NOT_EXECUTABLE'],
  ])('%s is refused by name and by path', (_what, name, code) => {
    const refused = expect.objectContaining({ code });
    expect(() => lookUp(name, `${first}:${second}`)).toThrow(refused);
    const path = join(name === 'locked' ? second : first, name);
    expect(() => lookUp(path, undefined)).toThrow(refused);
    expect(() => lookUp(`${path}/below`, undefined)).toThrow(
      expect.objectContaining({ code: 'ERR_COMMAND_NOT_FOUND' }),
    );
  });
});
