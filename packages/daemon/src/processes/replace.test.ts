import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const module = fileURLToPath(new URL('replace.ts', import.meta.url));

/** What a process says that has tried to become this. */
function tried(image: object): string {
  const script = `
    const { createReplace } = require(${JSON.stringify(module)});
    console.log(createReplace()(${JSON.stringify(image)}));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--conditions=dev', '-e', script], {
    encoding: 'utf8',
  });
  return stdout + stderr;
}

const image = { file: '/bin/echo', argv: ['echo', 'became it'], environment: {} };

test('a process becomes a program', () => {
  expect(tried(image)).toBe('became it\n');
});

test.each([
  ['there is none', { file: '/nonexistent' }, 'ENOENT'],
  ['it is a folder', { file: '/' }, 'EACCES'],
  ['its path holds a NUL', { file: '/bin/echo\0' }, 'EINVAL'],
  ['an argument holds a NUL', { argv: ['echo', 'became\0it'] }, 'EINVAL'],
  ['a variable holds a NUL', { environment: { A: 'became\0it' } }, 'EINVAL'],
  ['the name of a variable holds a NUL', { environment: { 'A=b\0B': 'c' } }, 'EINVAL'],
])('and goes on where %s', (_why, changes, code) => {
  expect(tried({ ...image, ...changes })).toBe(`${code}\n`);
});
