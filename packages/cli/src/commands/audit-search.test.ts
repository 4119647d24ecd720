import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { filterInput } from './audit-input.ts';
import { exportAudit, searchAudit } from './audit-search.ts';
import { showAuditStats } from './audit-stats.ts';
import { createFakeSession, type FakeSession } from './fake-session.ts';
import { createGiven } from './given.ts';

const time = (day: number): string => `2026-01-${String(day).padStart(2, '0')}T12:00:00.000Z`;
const make = (seq: number, members: object): string =>
  JSON.stringify({ v: 1, seq, ...members, prev: 'p' });
const launch = { event: 'launch', outcome: 'allowed' };

/** What a caller may claim in order to look like something else. */
const hostile =
  '","server":"github","event":"deny","outcome":"denied","variables":["TOKEN"],"time":"';
const lines = [
  make(1, { time: time(1), event: 'start', outcome: 'allowed' }),
  make(2, { time: time(2), ...launch, server: 'github', variables: ['TOKEN', '$<vault:a/b#c>'] }),
  make(3, { time: time(3), ...launch, server: 'git\u001b[hub', variables: ['OTHER'] }),
  make(4, { time: time(4), ...launch, server: hostile, variables: ['X'] }),
  make(5, { time: time(5), ...launch, claims: { client: hostile } }),
  make(6, {
    time: time(6),
    event: 'deny',
    outcome: 'denied',
    code: 'ERR_LOCKED',
    server: 'github',
  }),
  make(7, { time: time(7), ...launch, server: '=1+1', pid: 7, stale: true }),
];

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'audit-'));
  mkdirSync(join(home, 'audit'));
  const file = (name: string, part: readonly string[], rest = ''): void => {
    writeFileSync(join(home, 'audit', name), part.map((line) => `${line}\n`).join('') + rest);
  };
  file('0000000000000001-2026-01-01.jsonl', lines.slice(0, 3));
  file('current.jsonl', lines.slice(3), '{"v":1,"seq":8,"ti');
});
afterAll(() => {
  rmSync(home, { recursive: true });
});

const session = (json = false): FakeSession => createFakeSession({ home, json });
const seqs = (text: string): number[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { seq: number }).seq);

test.each<[Record<string, string>, number[]]>([
  [{}, [1, 2, 3, 4, 5, 6, 7]],
  [{ server: 'github' }, [2, 6]],
  [{ server: hostile }, [4]],
  [{ server: 'git\u001b[hub' }, [3]],
  [{ variable: 'TOKEN' }, [2]],
  [{ variable: '$<vault:a/b#c>' }, [2]],
  [{ event: 'deny' }, [6]],
  [{ outcome: 'denied' }, [6]],
  [{ server: 'github', outcome: 'allowed' }, [2]],
  [{ since: '2026-01-06' }, [6, 7]],
  [{ since: '2026-01-02T12:00', until: '2026-01-03T13:00:00+01:00' }, [2]],
  [{ until: '2026-01-02' }, [1]],
  [{ server: 'github', since: '2026-01-03', until: '2026-01-07' }, [6]],
  [{ server: 'none' }, []],
])('mcp audit search with %j finds just what is so', async (options, expected) => {
  const found = session(true);
  expect(await searchAudit(filterInput(createGiven([], options), 0), found)).toBe(0);
  expect(seqs(found.stdout)).toEqual(expected);
});

test('a duration counts back from now', () => {
  const now = Date.parse(time(7));
  expect(filterInput(createGiven([], { since: '36h' }), now)).toMatchObject({
    since: Date.parse('2026-01-06T00:00:00Z'),
  });
});

test.each([{ event: 'lunch' }, { outcome: 'ok' }, { since: 'yesterday' }, { until: '2026-13-01' }])(
  '%j is refused, with what would be right',
  (options) => {
    expect(() => filterInput(createGiven([], options), 0)).toThrow(
      expect.objectContaining({
        code: 'ERR_USAGE',
        hint: expect.stringContaining('it takes') as string,
      }),
    );
  },
);

test('B19: a person sees escapes, a note when there is nothing, and a hint when there is no log', async () => {
  const some = session();
  await searchAudit({}, some);
  expect(some.stdout).toContain('git\\e[hub');
  expect(some.stdout).not.toContain('\u001b');
  const nothing = session();
  await searchAudit({ server: 'none' }, nothing);
  expect([nothing.stdout, nothing.stderr]).toEqual([
    '',
    expect.stringContaining('no line') as string,
  ]);
  await expect(searchAudit({}, createFakeSession({ home: '/' }))).rejects.toMatchObject({
    code: 'ERR_NOT_FOUND',
  });
});

describe('mcp audit export', () => {
  test('gives the lines as they stand in the log', async () => {
    const jsonl = session();
    await exportAudit({ format: 'jsonl', filter: {} }, jsonl);
    expect(jsonl.stdout).toBe(lines.map((line) => `${line}\n`).join(''));
  });

  test('B19: gives a table that no spreadsheet runs, and no terminal acts on', async () => {
    const csv = session();
    await exportAudit({ format: 'csv', filter: {} }, csv);
    const rows = csv.stdout.split('\r\n');
    expect(rows).toHaveLength(lines.length + 2);
    expect(rows[0]).toMatch(/^seq,time,event,outcome,code,launch,server,variables,/);
    expect(rows[2]).toBe(`2,${time(2)},launch,allowed,,,github,TOKEN $<vault:a/b#c>,,,,,,,,,p,,`);
    expect(rows[3]).toContain(',git\\u001b[hub,');
    expect(rows[4]).toContain(`,"${hostile.replaceAll('"', '""')}",X,`);
    expect(rows[7]).toBe(`7,${time(7)},launch,allowed,,,'=1+1,,,,,,7,,,,p,,"{""stale"":true}"`);
    for (const row of rows) expect(row).toMatch(/^[^\p{Cc}]*$/u);
  });
});

test('mcp audit stats counts', async () => {
  const counted = session(true);
  expect(await showAuditStats({}, counted)).toBe(0);
  expect(JSON.parse(counted.stdout)).toMatchObject({
    lines: 7,
    first: time(1),
    last: time(7),
    events: { launch: { allowed: 5 }, deny: { denied: 1 } },
    codes: { ERR_LOCKED: 1 },
    servers: { github: 2 },
    variables: { TOKEN: 1 },
  });
  const person = session();
  await showAuditStats({ server: 'github' }, person);
  expect(person.stdout).toContain('launch  1        0       0');
});
