import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { createFakeSession } from '../fake-session.ts';
import { examine } from './doctor.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mcp-doctor-'));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

function put(path: string): string {
  const file = join(root, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, '');
  chmodSync(join(file, '..'), 0o755);
  chmodSync(file, 0o644);
  return file;
}

async function fix(): Promise<void> {
  const environment = { HOME: join(root, 'nobody'), PATH: '/bin' };
  await examine(
    { fix: true },
    { ...createFakeSession({ running: false, home: root }), environment },
  );
}

const modeOf = (path: string): number => statSync(path).mode & 0o777;

test('in a folder that is no home the files of others’ work keep their modes', async () => {
  chmodSync(root, 0o755);
  const work = put('project/file');
  await fix();
  expect([root, join(root, 'project'), work].map(modeOf)).toEqual([0o755, 0o755, 0o644]);
});

test('of what an earlier tool left, the folder and its config.yaml are narrowed', async () => {
  chmodSync(root, 0o755);
  const config = put('config.yaml');
  const work = put('project/file');
  await fix();
  expect([root, config, work].map(modeOf)).toEqual([0o700, 0o600, 0o644]);
});

test('in a home all is narrowed', async () => {
  chmodSync(root, 0o755);
  const paths = [put('secrets.age'), put('audit/0001.jsonl')];
  await fix();
  expect(paths.map(modeOf)).toEqual([0o600, 0o600]);
  expect(modeOf(join(root, 'audit'))).toBe(0o700);
});
