import { expect, test } from 'vitest';

import type { Status } from '@mcp-broker/daemon/protocol';

import { misfits } from '../../../../test/kit/json-schema.ts';
import { results } from '../results/results.ts';
import { createFakeSession } from './fake-session.ts';
import { showDaemonStatus, showStatus } from './status.ts';

const status: Status = {
  version: '1.2.3',
  pid: 42,
  started: '2025-12-31T21:00:00.000Z',
  home: '/home/me/.mcp',
  config: {
    file: '/home/me/.mcp/config.yaml',
    state: 'kept',
    unusable: [],
    problem: { code: 'ERR_CONFIG', message: 'unknown key setings\u001b[31m' },
  },
  keys: { source: 'sealed', state: 'locked' },
  backends: [{ name: 'sealed', kind: 'sealed-file', state: 'locked' }],
  cache: { entries: 1, bytes: 40 },
  memory: { reserved: 65_536, locked: null, resident: 60_000_000 },
  grants: 2,
  pending: 1,
  connections: 3,
  launches: [
    {
      launch: '0123456789abcdef',
      server: 'git\u001b[31mhub',
      variables: ['TOKEN', 'URL'],
      since: '2025-12-31T21:00:00.000Z',
      client: 'mcp exec',
      parent: { pid: 69, name: 'cl\u001b[31maude' },
      wrapper: 70,
      pid: 71,
    },
    {
      launch: 'fedcba9876543210',
      variables: ['TOKEN'],
      since: '2025-12-31T21:00:00.000Z',
      pid: 72,
      replaced: true,
    },
  ],
  audit: { sequence: 99, state: 'ok' },
};
const answers = { 'broker.status': () => status };

test('mcp status tells everything, problems first among them', async () => {
  const session = createFakeSession({ answers });
  expect(await showStatus(session)).toBe(0);
  for (const part of [
    'running, pid 42, version 1.2.3',
    '(3h ago)',
    'launches     2 running',
    'broken, the one before is in force: unknown key setings\\e[31m',
    '64 KiB for secrets, not known how much locked',
    'pending      1 (see: mcp approvals)',
    '99 lines, ok',
    'sealed   sealed-file  locked',
    'LAUNCH            PID            AGE  STARTED BY         SERVER        VARIABLES',
    '0123456789abcdef  71             3h   cl\\e[31maude (69)  git\\e[31mhub  TOKEN URL',
    'fedcba9876543210  72 (replaced)  3h   -                  -             TOKEN',
  ]) {
    expect(session.stdout).toContain(part);
  }
});

test('mcp status tells why the file of grants grants nothing', async () => {
  const grantsProblem = { code: 'ERR_CORRUPT', message: 'grants is older', hint: 'look' } as const;
  const session = createFakeSession({
    answers: { 'broker.status': () => ({ ...status, grantsProblem }) },
  });
  await showStatus(session);
  expect(session.stdout).toContain('2, and the file grants nothing');
  expect(session.stderr).toContain('mcp: warning: grants is older (look)\n');
});

test('with --json the names are those of the protocol', async () => {
  const session = createFakeSession({ answers, json: true });
  await showStatus(session);
  const printed: unknown = JSON.parse(session.stdout);
  expect(printed).toEqual({ running: true, ...status });
  const shape = results.find(({ command }) => command === 'status')?.shape ?? {};
  expect(misfits(printed, shape)).toEqual([]);
});

test.each([showStatus, showDaemonStatus])(
  'without a daemon %o is 69 and starts none',
  async (show) => {
    const session = createFakeSession({ running: false });
    expect(await show(session)).toBe(69);
    expect(session.stdout).toContain('not running');
    expect(session.started).toBe(0);
    const program = createFakeSession({ running: false, json: true });
    await show(program);
    expect(JSON.parse(program.stdout)).toMatchObject({ running: false });
  },
);
