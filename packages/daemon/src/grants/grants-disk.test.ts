import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fakeClock } from '../testing/fake-clock.ts';
import { decision, had, launching } from '../testing/grant-decision.ts';
import { grantsHome, type GrantsHome } from '../testing/grants-home.ts';

test('grants on a file system that is truly full, then read-only, are those of before', async ({
  skip,
}) => {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-grants-disk-'));
  const home = join(folder, 'small');
  mkdirSync(home, { mode: 0o700 });
  try {
    if (!mount('-t', 'tmpfs', '-o', 'size=64k,mode=700', 'tmpfs', home)) {
      if (process.env['MCP_TEST_REAL'] === 'require') throw new Error('mount needs root');
      skip('mount needs root');
    }
    try {
      expect(await afterTrouble(home)).toEqual(['A', '']);
    } finally {
      spawnSync('umount', [home]);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** What of the old grant and of the one that failed is there when the disk is well again. */
async function afterTrouble(home: string): Promise<readonly string[]> {
  const clock = fakeClock();
  const start = (): GrantsHome => grantsHome({ home, clock, identity: 7 });
  const { grants, paths } = start();
  await grants.add(decision('always'));
  const before = readFileSync(paths.grants);
  const failed = { code: 'ERR_BACKEND_UNAVAILABLE' };
  const add = (): Promise<unknown> =>
    grants.add(decision('always', ['A'], { request: { fingerprint: 'g' } }));

  // One page is left: enough for the grants file, and not for its generation. Then none.
  for (const [pages, subject] of [
    [1, paths.own],
    [0, paths.grants],
  ] as const) {
    fill(home, pages);
    await expect(add()).rejects.toMatchObject({ ...failed, subject, retryable: true });
    expect([readFileSync(paths.grants), had(grants, launching('g'))]).toEqual([before, '']);
    rmSync(join(home, 'ballast'));
  }
  mount('-o', 'remount,ro', home);
  await expect(add()).rejects.toMatchObject(failed);
  await expect(grants.revoke({ all: true })).rejects.toMatchObject(failed);
  expect(had(grants)).toBe('');
  mount('-o', 'remount,rw', home);

  const next = start().grants;
  await next.load();
  return [had(next), had(next, launching('g'))];
}

/** Leaves so many free pages. */
function fill(folder: string, pages: number): void {
  const { bfree, bsize } = statfsSync(folder);
  writeFileSync(join(folder, 'ballast'), Buffer.alloc((bfree - pages) * bsize));
}

function mount(...args: readonly string[]): boolean {
  return spawnSync('mount', args).status === 0;
}
