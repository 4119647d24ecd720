import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { systemClock, type Clock } from './clock.ts';
import { tryFileLock } from './file-lock.ts';
import { takeHome } from './home-lock.ts';
import { createPlatform } from './platform/index.ts';

const platform = createPlatform();
const own = `${process.pid} ${platform.startTime(process.pid)}\n`;
/** Its time is over the third time that it is looked at. */
function shortClock(): Clock {
  let monotonic = 0;
  return { ...systemClock, monotonic: () => (monotonic += 4000) };
}

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'home-lock-'));
  path = join(folder, 'daemon.lock');
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

test('whoever holds it has its name in it, and leaves it to the next one', async () => {
  writeFileSync(path, 'a longer line of somebody who has gone\n');
  const release = await takeHome(path, platform, { evict: false, clock: systemClock });
  expect(readFileSync(path, 'utf8')).toBe(own);
  expect(await takeHome(path, platform, { evict: false, clock: systemClock })).toBeUndefined();
  release?.();
  const next = await takeHome(path, platform, { evict: false, clock: systemClock });
  expect(next).toBeTypeOf('function');
  next?.();
});

test('a holder that has to go is told so once, and waited for', async () => {
  const release = tryFileLock(path, platform, own);
  const kill = vi.spyOn(process, 'kill').mockImplementation(() => {
    setTimeout(() => release?.(), 50);
    return true;
  });
  const taken = await takeHome(path, platform, { evict: true, clock: systemClock });
  expect(taken).toBeTypeOf('function');
  expect(kill.mock.calls).toEqual([[process.pid, 'SIGTERM']]);
  taken?.();
});

test.each([
  ['a process that has its pid now', `${process.pid} 1\n`],
  ['nobody', ''],
  ['init', '1 0\n'],
  ['a process group', `-${process.pid} 1\n`],
])('a lock that names %s ends no process', async (_whom, name) => {
  const release = tryFileLock(path, platform, name);
  const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
  expect(await takeHome(path, platform, { evict: true, clock: shortClock() })).toBeUndefined();
  expect(kill).not.toHaveBeenCalled();
  release?.();
});
