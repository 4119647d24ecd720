import { describe, expect, test } from 'vitest';

import { approvals as groupOfApprovals } from './specs/approvals.ts';
import { deny, listApprovals, revoke } from './approvals.ts';
import { createFakeSession } from './fake-session.ts';
import { answers, grantOf, launch, pending } from './pending-fixture.ts';
import { BrokerError } from '@mcp-broker/daemon/protocol';

const waiting = answers([pending('AAAA', { server: 'github' })]);

describe('mcp deny', () => {
  test.each([
    ['aaaa', undefined, 'session', 'the same launch is refused until lock or stop'],
    ['AAAA', 'once', 'once', 'this request alone; the next launch asks again'],
    ['github', '8h', 28_800_000, 'the same launch is refused until 2026-01-01T08:00:00.000Z'],
    ['github', 'always', 'always', 'the same launch is refused until it is revoked'],
  ])('%s --for %s goes out as %j: %s', async (which, lifetime, sent, says) => {
    const session = createFakeSession({ answers: waiting });
    expect(await deny({ which, lifetime }, session)).toBe(0);
    expect(session.calls.at(-1)).toMatchObject({
      method: 'approval.deny',
      params: { id: 'AAAA', lifetime: sent },
    });
    expect(session.stdout).toBe(`denied AAAA: ${says}\n`);
    const undo = 'mcp: to take it back: mcp approvals revoke DDDD\n';
    expect(session.stderr).toBe(lifetime === 'once' ? '' : undo);
  });

  test('--for what is no time is 64, and the daemon is not asked', async () => {
    const session = createFakeSession({ answers: waiting });
    const asked = deny({ which: 'AAAA', lifetime: 'forever' }, session);
    await expect(asked).rejects.toMatchObject({ exitCode: 64, hint: 'for instance: --for 8h' });
    expect(session.calls).toEqual([]);
  });

  test.each([
    ['several wait under the name', 'github', 64, 'mcp deny AAAA'],
    ['none waits under it', 'ZZZZ', 66, 'what waits: mcp approvals'],
  ])('denies nothing when %s', async (_what, which, exitCode, hint) => {
    const two = ['AAAA', 'BBBB'].map((id) => pending(id, { server: 'github' }));
    const session = createFakeSession({ answers: answers(two) });
    const asked = deny({ which, lifetime: undefined }, session);
    await expect(asked).rejects.toMatchObject({ exitCode, hint });
    expect(session.calls.map(({ method }) => method)).toEqual(['approval.list']);
  });
});

describe('mcp approvals', () => {
  const grants = [
    grantOf('GGGG', { server: 'git\u001b[31m', workspace: '/home/me' }),
    grantOf('DDDD', {
      outcome: 'denied',
      server: 'gіthub',
      argv: ['node', 'x'.repeat(200)],
      lifetime: 'duration',
      until: '2026-01-02T00:00:00.000Z',
    }),
  ];
  const problem = {
    code: 'ERR_CORRUPT',
    message: 'grants is not as it was written',
    hint: 'look',
  } as const;

  test('lists what waits, then what was decided', async () => {
    const session = createFakeSession({
      answers: { ...waiting, 'grant.list': () => ({ grants }) },
    });
    expect(await listApprovals(session)).toBe(0);
    const rows = session.stdout
      .trimEnd()
      .split('\n')
      .map((row) => row.split(/ {2,}/u));
    const command = launch.argv.join(' ');
    const long = `node ${'x'.repeat(200)}`;
    expect(rows).toEqual([
      ['ID', 'OUTCOME', 'SERVER', 'COMMAND', 'VARIABLES', 'LIFETIME', 'UNTIL', 'WORKSPACE'],
      ['AAAA', 'pending', 'github', command, 'API_TOKEN', '-', '2026-01-01T01:00:00.000Z', '-'],
      ['GGGG', 'allowed', 'git\\e[31m', command, 'API_TOKEN', 'always', '-', '/home/me'],
      [
        'DDDD',
        'denied',
        'gіthub <look-alike: contains U+0456>',
        long,
        'API_TOKEN',
        'duration',
        '2026-01-02T00:00:00.000Z',
        '-',
      ],
    ]);
  });

  test('tells why the file of grants grants nothing', async () => {
    const list = { ...waiting, 'grant.list': () => ({ grants: [], problem }) };
    const session = createFakeSession({ answers: list, quiet: true });
    await listApprovals(session);
    expect(session.stderr).toBe('mcp: warning: grants is not as it was written (look)\n');
  });

  test('gives all of it with --json', async () => {
    const list = { ...waiting, 'grant.list': () => ({ grants, problem }) };
    const session = createFakeSession({ answers: list, json: true });
    await listApprovals(session);
    expect(JSON.parse(session.stdout)).toEqual({
      pending: [pending('AAAA', { server: 'github' })],
      grants,
      problem,
    });
  });

  test('alone is its list', () => {
    expect(groupOfApprovals.alone).toBe('list');
  });
});

describe('mcp approvals revoke', () => {
  const revoking = {
    'grant.list': () => ({ grants: [grantOf('GGGG', { server: 'zzzz' })] }),
    'grant.revoke': () => ({ revoked: [grantOf('GGGG'), grantOf('HHHH')] }),
  };

  test.each([
    ['gggg', { id: 'GGGG' }],
    ['GGGG', { id: 'GGGG' }],
    ['zzzz', { server: 'zzzz' }],
    ['github', { server: 'github' }],
    [undefined, { all: true }],
  ])('%s names %j', async (which, params) => {
    const session = createFakeSession({ answers: revoking });
    expect(await revoke({ which, all: which === undefined }, session)).toBe(0);
    expect(session.calls.at(-1)).toMatchObject({ method: 'grant.revoke', params });
    expect(session.stdout).toBe('revoked GGGG, HHHH\n');
  });

  test.each([
    ['nothing', undefined, false],
    ['both', 'GGGG', true],
  ])('of %s is 64', async (_what, which, all) => {
    const session = createFakeSession({ answers: revoking });
    await expect(revoke({ which, all }, session)).rejects.toMatchObject({ exitCode: 64 });
    expect(session.calls).toEqual([]);
  });

  const none = {
    'grant.list': () => ({ grants: [] }),
    'grant.revoke': () => {
      throw new BrokerError('ERR_NOT_FOUND', 'no such grant', { hint: 'mcp approvals' });
    },
  };

  test('of all is done when there is nothing, and of one is 66', async () => {
    const session = createFakeSession({ answers: none });
    expect(await revoke({ which: undefined, all: true }, session)).toBe(0);
    expect(session.stdout).toBe('nothing was there to revoke\n');
    await expect(revoke({ which: 'x', all: false }, session)).rejects.toMatchObject({
      exitCode: 66,
    });
  });
});
