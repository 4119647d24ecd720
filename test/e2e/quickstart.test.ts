import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { run } from '../kit/run.ts';

test('the quickstart does the main job, finds the token nowhere else, and leaves nothing behind', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-quickstart-'));
  const script = fileURLToPath(new URL('../quickstart/main.ts', import.meta.url));
  const env = { ...process.env, HOME: folder, TMPDIR: folder };
  const ended = await run(process.execPath, [script], { env });
  const left = readdirSync(folder);
  rmSync(folder, { recursive: true });
  expect(ended.stderr).toBe('');
  expect(ended.code).toBe(0);
  expect(ended.stdout).not.toContain('✗');
  expect(ended.stdout.match(/✓/gu)).toHaveLength(5);
  expect(ended.stdout).toContain('npm install -g @mcp-broker/cli');
  expect(left).toEqual([]);
});
