import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { temporaryFolder } from './fixture.ts';
import { look, remove, write, type Wanted } from './written.ts';

let folder: ReturnType<typeof temporaryFolder>;
let wanted: Wanted;
beforeEach(() => {
  folder = temporaryFolder();
  wanted = file('some text\n');
});
afterEach(() => {
  folder.remove();
});

function file(text: string): Wanted {
  const path = join(folder.path, 'a', 'b', 'unit');
  return { path, text: () => text, comment: ['<!-- ', ' -->'] };
}

test('what was written is known again, and written once', () => {
  expect(look(wanted).found).toBe('absent');
  expect(write(wanted)).toBe(true);
  const { mtimeNs } = statSync(wanted.path, { bigint: true });
  expect(look(wanted)).toMatchObject({ found: 'ours', text: 'some text\n' });
  expect(write(wanted)).toBe(false);
  expect(statSync(wanted.path, { bigint: true }).mtimeNs).toBe(mtimeNs);
  expect(readFileSync(wanted.path, 'utf8')).toMatch(/^some text\n<!-- sha256 \w{64}, .* -->\n$/u);
});

test('a newer text takes the place of one of ours, which took its folders along', () => {
  write(wanted);
  expect(write(file('other text\n'))).toBe(true);
  expect(remove(file('a third text\n'))).toBe('ours');
  expect(existsSync(join(folder.path, 'a'))).toBe(false);
  expect(existsSync(folder.path)).toBe(true);
  expect(remove(wanted)).toBe('absent');
});

test('folders that were there, and those that others use, stay', () => {
  mkdirSync(join(folder.path, 'a'));
  write(wanted);
  remove(wanted);
  expect(existsSync(join(folder.path, 'a'))).toBe(true);
  expect(existsSync(join(folder.path, 'a', 'b'))).toBe(false);
  write(wanted);
  writeFileSync(join(folder.path, 'a', 'b', 'other'), '');
  remove(wanted);
  expect(existsSync(join(folder.path, 'a', 'b', 'other'))).toBe(true);
});

test.each<[what: string, put: () => void]>([
  ['a file of somebody else', () => writeFileSync(wanted.path, 'x\n')],
  ['an empty file', () => writeFileSync(wanted.path, '')],
  ['a link', () => symlinkSync('/dev/null', wanted.path)],
  [
    'a file of ours with a line more',
    () => {
      write(wanted);
      appendFileSync(wanted.path, 'Restart=always\n');
    },
  ],
  [
    'a file of ours with another word',
    () => {
      write(wanted);
      writeFileSync(wanted.path, readFileSync(wanted.path, 'utf8').replace('some', 'any'));
    },
  ],
  [
    'a file of ours that claims more folders',
    () => {
      write(wanted);
      writeFileSync(wanted.path, readFileSync(wanted.path, 'utf8').replace('made: 0', 'made: 3'));
    },
  ],
])('%s is neither overwritten nor removed', (_what, put) => {
  mkdirSync(join(folder.path, 'a', 'b'), { recursive: true });
  put();
  expect(look(wanted).found).toBe('other');
  expect(() => write(file('newer\n'))).toThrow(
    expect.objectContaining({ code: 'ERR_INSECURE_FILE', subject: wanted.path }) as Error,
  );
  expect(remove(wanted)).toBe('other');
  expect(statSync(wanted.path)).toBeDefined();
});
