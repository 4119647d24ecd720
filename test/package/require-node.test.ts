import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { run, type Ended } from '../kit/run.ts';

const script = fileURLToPath(new URL('../../scripts/require-node.cjs', import.meta.url));
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'require-node-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** Runs the script in a Node that says that it is of this version. */
async function runAs(version: string): Promise<Ended> {
  const preload = join(folder, 'preload.cjs');
  const versions = `{ ...process.versions, node: '${version}' }`;
  writeFileSync(
    preload,
    `Object.defineProperty(process, 'versions', { value: ${versions} });
     Object.defineProperty(process, 'version', { value: 'v${version}' });`,
  );
  return run(process.execPath, ['-r', preload, script], {
    env: { PATH: process.env['PATH'], npm_lifecycle_event: 'test' },
  });
}

test.each(['18.20.8', '20.20.2', '22.18.0'])('Node %s is told what to type', async (version) => {
  expect(await runAs(version)).toEqual({
    code: 1,
    stdout: '',
    stderr: `Node 22.19 or newer is needed, and this is v${version}: npx -y -p node@24 -p pnpm@12 pnpm test\n`,
  });
});

test.each(['22.19.0', '23.0.0', '24.0.0', '24.11.1', '100.0.0'])(
  'Node %s is let in',
  async (version) => {
    expect(await runAs(version)).toEqual({ code: 0, stdout: '', stderr: '' });
  },
);
