import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findCommand } from './find-command.ts';
import { searching, type Sought } from './search-path.ts';

let root = '';
const folder = (name: string): string => join(root, name);

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'mcp-search-'));
  for (const [name, ...programs] of [
    ['own', 'both'],
    ['more', 'both', 'npx'],
    ['last', 'npx'],
  ]) {
    mkdirSync(folder(name ?? ''));
    for (const program of programs) {
      writeFileSync(join(folder(name ?? ''), program), '');
      chmodSync(join(folder(name ?? ''), program), 0o755);
    }
  }
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

function find(command: string, settings?: readonly string[]): Promise<Sought<string>> {
  return searching(folder('own'), settings, (path) => findCommand(command, path, () => root));
}

test('what the PATH of the client finds is run, and no other folder is looked at', async () => {
  const found = await find('both', [folder('more')]);
  expect(found).toEqual({ result: join(folder('own'), 'both'), searchPath: folder('own') });
});

test('what it does not find is looked for in settings.path, which the server then has too', async () => {
  const found = await find('npx', [folder('own'), folder('more'), folder('last')]);
  expect(found).toEqual({
    result: join(folder('more'), 'npx'),
    searchPath: ['own', 'more', 'last'].map(folder).join(':'),
  });
});

test('an error says which folders were searched', async () => {
  const message = (...folders: string[]): string =>
    `command not found: uvx (in ${folders.map(folder).join(':')})`;
  await expect(find('uvx')).rejects.toMatchObject({
    code: 'ERR_COMMAND_NOT_FOUND',
    message: message('own'),
    hint: expect.stringContaining('settings.path') as string,
  });
  await expect(find('uvx', [folder('more')])).rejects.toMatchObject({
    message: message('own', 'more'),
  });
});

test('a path is looked for nowhere else', async () => {
  await expect(find('./npx', [folder('more')])).rejects.toMatchObject({
    message: 'command not found: ./npx',
  });
});
