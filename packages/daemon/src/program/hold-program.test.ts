import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FileIdentity } from '../protocol/messages.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { identify } from '../../../../test/fixtures/fake-daemon.ts';
import { needs } from '../../../../test/kit/needs.ts';
import { holdProgram } from './hold-program.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-program-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function copyOfEcho(): string {
  const file = join(folder, 'echo');
  copyFileSync(realpathSync('/bin/echo'), file);
  return file;
}

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

describe('A1: a program that is held', () => {
  needs('linux')('runs as it was looked at, whatever takes its path afterwards', () => {
    const path = copyOfEcho();
    const program = holdProgram([identify(path)]);
    const other = join(folder, 'other');
    symlinkSync(process.execPath, other);
    renameSync(other, path);
    const run = (file: string): string =>
      spawnSync(file, ['-p', '"node"'], { argv0: 'echo', encoding: 'utf8' }).stdout;
    expect(run(program.file)).toBe('-p "node"\n');
    expect(run(program.path)).toBe('node\n');
    program.release();
  });

  needs('linux')('is open for as long as it is held, a script not at all', () => {
    const before = openDescriptors();
    const program = holdProgram([identify(copyOfEcho())]);
    expect(openDescriptors()).toBe(before + 1);
    program.release();
    expect(openDescriptors()).toBe(before);

    const script = join(folder, 'script');
    for (const text of ['#!/bin/sh\n', '', '\x7fEL', 'echo']) {
      writeFileSync(script, text, { mode: 0o755 });
      expect(holdProgram([identify(script)])).toMatchObject({ path: script, file: script });
      expect(openDescriptors()).toBe(before);
    }
  });

  test.each<[string, Partial<FileIdentity>]>([
    ['device', { dev: '0' }],
    ['inode', { ino: '1' }],
    ['size', { size: '3' }],
    ['mtime', { mtimeNs: '1' }],
    ['ctime', { ctimeNs: '1' }],
  ])('is refused for another %s, and nothing stays open', (_what, other) => {
    const path = join(folder, 'script');
    writeFileSync(path, '#!/bin/sh\n', { mode: 0o755 });
    const seen = identify(path);
    const changed = { ...seen, ...other };
    const before = openDescriptors();
    for (const files of [[changed], [seen, changed], [seen, seen, changed]]) {
      expect(() => holdProgram(files)).toThrow(
        expect.objectContaining({ code: 'ERR_CHANGED', subject: path }),
      );
    }
    expect(openDescriptors()).toBe(before);
    holdProgram([seen, seen]).release();
  });

  test.each([[[]], [undefined]])('has to be named: %j', (files) => {
    expect(() => holdProgram(files as unknown as FileIdentity[])).toThrow(
      expect.objectContaining({ code: 'ERR_PROTOCOL' }),
    );
  });
});
