import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fakeClock, type FakeClock } from '../testing/fake-clock.ts';
import { day, decision, had, hour } from '../testing/grant-decision.ts';
import { grantsHome, type GrantsHome } from '../testing/grants-home.ts';
import { launchDescription } from '../testing/pending-request.ts';

let home = '';
let clock: FakeClock;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'mcp-grants-'));
  clock = fakeClock();
});
afterEach(() => {
  rmSync(home, { recursive: true });
});

const start = (): GrantsHome => grantsHome({ home, clock, identity: 7 });

describe('the launch that is most like another', () => {
  const files = (...paths: string[]): ReturnType<typeof launchDescription>['files'] =>
    paths.map((path) => ({ role: 'command', path, digest: 'aa' }));
  const known = (
    server: string | undefined,
    fingerprint: string,
    argv: string[],
    paths: string[],
  ) =>
    decision('always', ['A'], {
      request: {
        ...(server === undefined ? {} : { server }),
        fingerprint,
        launch: launchDescription({ argv, files: files(...paths) }),
      },
    });

  test('is the same one, then that of the same server and command, then of the same file', async () => {
    const { grants } = start();
    const similar = (
      fingerprint: string,
      server: string | undefined,
      argv0: string,
      path: string,
    ) =>
      grants
        .similar({
          fingerprint,
          ...(server === undefined ? {} : { server }),
          launch: launchDescription({ argv: [argv0], files: files(path, '/b.js') }),
        })
        ?.argv.join(' ');
    await grants.add(known('github', '1', ['node', 'old'], ['/usr/bin/node', '/a.js']));
    await grants.add(known('github', '2', ['node', 'new'], ['/opt/node', '/a.js']));
    await grants.add(known(undefined, '3', ['node', 'b'], ['/usr/bin/node', '/b.js']));
    await grants.add(known(undefined, '4', ['node', 'c'], ['/usr/bin/node', '/c.js']));
    expect(similar('1', undefined, 'x', '/x')).toBe('node old');
    expect(similar('9', 'github', 'node', '/x')).toBe('node new');
    expect(similar('9', 'github', 'deno', '/x')).toBeUndefined();
    expect(similar('9', undefined, 'node', '/usr/bin/node')).toBe('node b');
    expect(similar('9', 'jira', 'node', '/usr/bin/node')).toBe('node b');
    expect(similar('9', undefined, 'node', '/x')).toBeUndefined();
  });

  test('is known for a month after its grant is over, also after a restart, unless it was taken back', async () => {
    const wanted = { fingerprint: 'g', launch: launchDescription() };
    await start().grants.add(decision(8 * hour));
    clock.pass(29 * day);
    const { grants } = start();
    await grants.load();
    expect([had(grants), grants.list]).toEqual(['', []]);
    expect(grants.similar(wanted)).toEqual(launchDescription());
    await grants.add(decision('always', ['A'], { request: { fingerprint: 'h' } }));
    await grants.revoke({ all: true });
    expect(grants.similar(wanted)).toBeUndefined();
  });

  test('is none that was refused', async () => {
    const { grants } = start();
    await grants.add(decision('always', ['A'], { outcome: 'denied' }));
    expect(grants.similar({ fingerprint: 'g', launch: launchDescription() })).toBeUndefined();
  });
});
