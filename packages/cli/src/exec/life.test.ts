import { describe, expect, test } from 'vitest';
import { lacks } from '../../../../test/kit/needs.ts';
import { lifeFixture, stubborn } from './life-fixture.ts';

// The end of a launch without a terminal: what is left of it, and what is not.

const life = lifeFixture();

describe.skipIf(lacks('linux', 'setsid'))('a launch without a terminal', () => {
  test('has its server in a session and group of its own', async () => {
    const { ended, named } = life.launch(
      `cut -d' ' -f1,5,6 /proc/$$/stat | sed 's/^/pids /'; read line`,
    );
    const [pid, group, session] = await named;
    expect([group, session]).toEqual([pid, pid]);
    process.kill(pid ?? 0, 'SIGKILL');
    expect(await ended).toBe(137);
  });

  test('takes along what its server leaves behind', async () => {
    const left = life.launch(`sleep 300 & echo pids $$ $!; exit 3`);
    await left.named;
    expect(await left.ended).toBe(3);
    expect(left.living()).toEqual([]);
  });

  test('with stdin from no client leaves what its server left, as without us', async () => {
    const left = life.launch(`sleep 300 >/dev/null & echo pids $$ $!; exit 3`, 'ignore');
    const [, background = 0] = await left.named;
    expect(await left.ended).toBe(3);
    expect(left.living()).toEqual([background]);
  });

  test('ends with all that it started after SIGTERM, SIGINT and SIGHUP, also when that is ignored', async () => {
    const launches = (['SIGTERM', 'SIGINT', 'SIGHUP'] as const).map(async (signal) => {
      const { child, ended, named, living } = life.launch(stubborn, 'ignore');
      await named;
      child.kill(signal);
      return [signal, await ended, living()];
    });
    expect(await Promise.all(launches)).toEqual([
      ['SIGTERM', 137, []],
      ['SIGINT', 137, []],
      ['SIGHUP', 137, []],
    ]);
  });

  test('climbs the ladder of MCP clients: two seconds, SIGTERM again, two seconds, SIGKILL', async () => {
    const { child, ended, named } = life.launch(
      `trap 'echo term' TERM; echo pids $$; while :; do sleep 0.05; done`,
      'ignore',
    );
    await named;
    let said = '';
    child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const began = performance.now();
    child.kill('SIGTERM');
    expect(await ended).toBe(137);
    expect(performance.now() - began).toBeGreaterThan(3900);
    expect(said).toBe('term\nterm\n');
  });

  test('a server that heeds the signal is not hurried, nor what it does in its last seconds', async () => {
    const { child, ended, named } = life.launch(
      `trap 'sleep 1; exit 6' TERM; echo pids $$; while :; do sleep 0.05; done`,
      'ignore',
    );
    await named;
    child.kill('SIGTERM');
    expect(await ended).toBe(6);
  });
});
