import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { lacks } from '../../../../test/kit/needs.ts';
import { sleep } from '../clock.ts';
import { readStat } from '../platform/proc.ts';
import { createTree } from './tree.ts';

test.skipIf(lacks('linux'))(
  'on a machine that is slow to look at its processes, SIGKILL comes no later',
  async () => {
    const stubborn = spawn('sh', ['-c', 'trap "" TERM; echo; while :; do sleep 1; done'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(stubborn.stdout, 'data');
    const ended = once(stubborn, 'exit');
    const startTime = readStat(stubborn.pid ?? 0)?.startTime ?? '';
    const tree = createTree({
      root: { pid: stubborn.pid ?? 0, startTime },
      ownSession: false,
      since: startTime,
    });
    // At each look half a second goes by, whatever was asked for.
    let now = 0;
    const look = async (ms: number): Promise<void> => {
      now += 500;
      await Promise.race([ended, sleep(ms)]);
    };
    let endedAt: number | undefined;
    stubborn.once('exit', () => (endedAt = now));
    expect(
      await tree.end(
        () => 2000,
        look,
        () => now,
      ),
    ).toBe(true);
    expect(await ended).toEqual([null, 'SIGKILL']);
    // Counted by what was asked for, the two seconds would be fifty.
    expect(endedAt).toBeLessThan(27_000);
  },
);
