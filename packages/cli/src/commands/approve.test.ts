import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';

import type { PendingApproval } from '@mcp-broker/daemon/protocol';

import { unfolded } from '../output/fold.ts';
import { approve, type ApproveInput } from './approve.ts';
import { createFakeSession } from './fake-session.ts';
import { answers, launch, pending, variableOf } from './pending-fixture.ts';
import { requestLines } from './request-text.ts';

const steering = variableOf('OPTIONS', { into: ['NODE_OPTIONS'], steers: ['NODE_OPTIONS'] });
const one = [pending('AAAA', { server: 'github' })];
const two = [...one, pending('BBBB', { server: 'github' }), pending('CCCC', { server: 'other' })];
const mixed = [pending('AAAA', { variables: [variableOf('API_TOKEN'), steering] })];

function input(more: Partial<ApproveInput> = {}): ApproveInput {
  const none = { which: undefined, lifetime: undefined, workspace: undefined, fd: undefined };
  return { variables: [], ...none, ...more };
}

describe('mcp approve on a terminal', () => {
  test('shows the request, ends with its code, and sends what is typed', async () => {
    const session = createFakeSession({ answers: answers(one), typed: [' k7q4 '] });
    expect(await approve(input(), session)).toBe(0);
    const whole = unfolded(requestLines(one[0] as PendingApproval));
    expect(session.shown.startsWith(whole)).toBe(true);
    expect(session.shown.slice(whole.length)).toBe(
      'to be approved:\n  variables  "API_TOKEN"\n' +
        '  for        always, since it is bound to the content of what runs\n' +
        'code: K7Q4\nType the code to approve: ',
    );
    const params = {
      id: 'AAAA',
      fingerprint: 'f'.repeat(64),
      variables: ['API_TOKEN'],
      code: 'k7q4',
    };
    expect(session.calls.at(-1)).toEqual({ method: 'approval.grant', params, attachments: [] });
    expect(session.stdout).toBe('approved AAAA: npx gets API_TOKEN, always\n');
  });

  test('sends nothing when nothing is typed', async () => {
    const session = createFakeSession({ answers: answers(one), typed: [''] });
    const refused = { code: 'ERR_NOT_APPROVED', hint: 'mcp approve AAAA, or mcp deny AAAA' };
    await expect(approve(input(), session)).rejects.toMatchObject(refused);
    expect(session.calls.map(({ method }) => method)).not.toContain('approval.grant');
  });

  test('without a terminal it is 77, with the other way as the hint', async () => {
    const session = createFakeSession({ answers: answers(one) });
    await expect(approve(input(), session)).rejects.toMatchObject({
      code: 'ERR_PRESENCE',
      exitCode: 77,
      hint: expect.stringContaining('mcp approve AAAA --fd 3') as string,
    });
  });

  test('of ten thousand arguments shows each, page by page, and the code below the last', async () => {
    const argv = ['node', ...Array.from({ length: 10_000 }, (_, index) => `--option=${index}`)];
    const requests = [pending('AAAA', { launch: { ...launch, argv } })];
    const screen = { rows: 24, columns: 80 };
    const session = createFakeSession({ answers: answers(requests), typed: ['K7Q4'], ...screen });
    expect(await approve(input(), session)).toBe(0);
    const pages = session.shown.split(/-- more -- .*? give up\) /u);
    expect(pages.length).toBeGreaterThan(400);
    expect(Math.max(...pages.map((text) => text.split('\n').length - 1))).toBe(23);
    expect(argv.every((text) => session.shown.includes(`"${text}"`))).toBe(true);
    expect(session.shown.indexOf('code: K7Q4')).toBeGreaterThan(session.shown.length - 60);
  });

  test('is given up between pages with 77, without a code and without a grant', async () => {
    const keys = ['page', 'quit'] as const;
    const session = createFakeSession({ answers: answers(one), typed: ['K7Q4'], keys, rows: 6 });
    await expect(approve(input(), session)).rejects.toMatchObject({
      exitCode: 77,
      message: 'given up before its end: request AAAA is not approved, and still waits',
    });
    expect(session.shown).not.toContain('K7Q4');
    expect(session.calls.at(-1)?.method).toBe('approval.open');
  });

  test('forgives an Enter too many after the last page', async () => {
    const session = createFakeSession({ answers: answers(one), typed: ['', '', 'K7Q4'], rows: 6 });
    expect(await approve(input(), session)).toBe(0);
  });
});

describe('mcp approve --fd', () => {
  test('sends the passphrase as bytes, shows what is approved, and wipes', async () => {
    const session = createFakeSession({ answers: answers(one), descriptors: { 3: 'pass\n' } });
    expect(await approve(input({ which: 'aaaa', fd: 3 }), session)).toBe(0);
    expect(session.calls.at(-1)).toMatchObject({ params: { id: 'AAAA' }, attachments: ['pass'] });
    expect(session.stderr).toContain('"@scope/server"');
    expect(session.held[1]?.every((byte) => byte === 0)).toBe(true);
  });

  test('with --json tells what was granted, and what is left', async () => {
    const descriptors = { 3: 'x' };
    const session = createFakeSession({ answers: answers(mixed), descriptors, json: true });
    await approve(input({ fd: 3 }), session);
    expect(JSON.parse(session.stdout)).toMatchObject({
      grant: { id: 'GGGG', variables: ['API_TOKEN'] },
      left: ['OPTIONS'],
    });
  });
});

describe('which request', () => {
  test.each([
    ['an id', 'BBBB', 'BBBB'],
    ['an id in small letters', 'bbbb', 'BBBB'],
    ['a server that has one', 'other', 'CCCC'],
  ])('can be said by %s', async (_what, which, id) => {
    const session = createFakeSession({ answers: answers(two), descriptors: { 3: 'x' } });
    await approve(input({ which, fd: 3 }), session);
    expect(session.calls.at(-1)?.params).toEqual({
      id,
      fingerprint: 'f'.repeat(64),
      variables: ['API_TOKEN'],
    });
  });

  test.each([
    ['several wait', undefined],
    ['a server has several', 'github'],
  ])('has to be said by its id when %s, and they are listed', async (_what, which) => {
    const session = createFakeSession({ answers: answers(two), typed: ['K7Q4'] });
    await expect(approve(input({ which }), session)).rejects.toMatchObject({
      code: 'ERR_USAGE',
      hint: 'mcp approve AAAA',
    });
    expect(session.stdout).toMatch(/^ID .*\nAAAA .*\nBBBB /u);
    expect(session.calls).toHaveLength(1);
  });

  test.each([
    ['none waits', [], undefined],
    ['none has that name', two, 'nowhere'],
    ['a server is called like an id', [pending('AAAA', { server: 'ZZZZ' })], 'ZZZZ'],
  ])('is 66 when %s', async (_what, requests, which) => {
    const session = createFakeSession({ answers: answers(requests), typed: [] });
    await expect(approve(input({ which }), session)).rejects.toMatchObject({ exitCode: 66 });
  });
});

describe('which variables', () => {
  test('are all but those that steer, which is told before and after', async () => {
    const session = createFakeSession({ answers: answers(mixed), typed: ['K7Q4'] });
    await approve(input(), session);
    expect(session.calls.at(-1)?.params).toMatchObject({ variables: ['API_TOKEN'] });
    expect(session.shown).toContain('  variables  "API_TOKEN"\n  not now    "OPTIONS"\n');
    expect(session.stderr).toContain('OPTIONS still waits: mcp approve AAAA OPTIONS\n');
  });

  test('are those that are named, each once', async () => {
    const session = createFakeSession({ answers: answers(mixed), typed: ['K7Q4'] });
    const variables = ['OPTIONS', 'OPTIONS'];
    await approve(input({ which: 'AAAA', variables }), session);
    expect(session.calls.at(-1)?.params).toMatchObject({ variables: ['OPTIONS'] });
    expect(session.shown).toContain('  variables  "OPTIONS"\n  not now    "API_TOKEN"\n');
  });

  const given = { granted: ['OLD'], variables: [variableOf('API_TOKEN')] };
  test.each<
    [what: string, request: Partial<PendingApproval>, names: string[], code: number, says: string]
  >([
    ['all steer', { variables: [steering] }, [], 64, 'every variable of request AAAA steers'],
    ['one is not asked for', given, ['OTHER'], 66, 'request AAAA does not wait for OTHER'],
    ['one is granted already', given, ['OLD'], 66, 'request AAAA has OLD already'],
  ])(
    'are refused before a code is shown: %s',
    async (_what, request, variables, exitCode, says) => {
      const requests = [pending('AAAA', request)];
      const session = createFakeSession({ answers: answers(requests), typed: ['K7Q4'] });
      const asked = approve(input({ which: 'AAAA', variables }), session);
      await expect(asked).rejects.toMatchObject({
        exitCode,
        message: expect.stringContaining(says) as string,
      });
      expect(session.shown).toBe('');
    },
  );
});

describe('for how long', () => {
  const limit = { ms: 28_800_000, reason: 'the package is not pinned' };

  test.each([
    [undefined, undefined, 'always, since it is bound to the content of what runs'],
    [undefined, limit, '8h, and no longer: the package is not pinned'],
    ['once', limit, 'once: for the next launch, within 10 minutes'],
    ['session', undefined, 'until lock or stop'],
    ['session', limit, 'until lock or stop, 8h at most: the package is not pinned'],
    ['always', undefined, 'always, until it is revoked'],
    ['30d', undefined, '30d'],
    ['8h', limit, '8h'],
  ])('--for %s with the limit %j is told before the code: %s', async (lifetime, most, says) => {
    const requests = [pending('AAAA', most === undefined ? {} : { limit: most })];
    const session = createFakeSession({ answers: answers(requests), typed: ['K7Q4'] });
    await approve(input({ lifetime }), session);
    expect(session.shown).toContain(`  for        ${says}\ncode: `);
  });

  test.each([
    ['session', 'session'],
    ['90m', 5_400_000],
    ['30d', 2_592_000_000],
  ])('%s goes out as %j', async (lifetime, sent) => {
    const session = createFakeSession({ answers: answers(one), typed: ['K7Q4'] });
    await approve(input({ lifetime }), session);
    expect(session.calls.at(-1)?.params).toMatchObject({ lifetime: sent });
  });

  test.each(['', 'forever', '8', '0s', '-1h', '1.5h', '8h ', '9999999999d', 'Once'])(
    '%j is 64, with a hint, and nobody is asked',
    async (lifetime) => {
      const session = createFakeSession({ answers: answers(one), typed: ['K7Q4'] });
      await expect(approve(input({ lifetime }), session)).rejects.toMatchObject({
        exitCode: 64,
        hint: expect.stringMatching(/8h|1s/u) as string,
      });
      expect(session.calls).toEqual([]);
    },
  );

  test.each(['always', '9h'])('%s is 64 where the limit is shorter', async (lifetime) => {
    const session = createFakeSession({ answers: answers([pending('AAAA', { limit })]) });
    await expect(approve(input({ lifetime }), session)).rejects.toMatchObject({
      exitCode: 64,
      message: 'request AAAA can be granted for 8h at most: the package is not pinned',
      hint: 'mcp approve AAAA --for 8h',
    });
  });
});

describe('in a workspace', () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-workspace-')));
  const project = join(folder, 'project');
  mkdirSync(join(project, 'inner'), { recursive: true });
  mkdirSync(join(folder, 'project2'));
  symlinkSync(project, join(folder, 'link'));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  const within = (workspace: string, workingDirectory: string): Promise<unknown> => {
    const session = createFakeSession({
      answers: answers([pending('AAAA', { workingDirectory })]),
      typed: ['K7Q4'],
    });
    return approve(input({ workspace }), session).then(() => ({
      ...(session.calls.at(-1)?.params as object),
      shown: session.shown,
    }));
  };

  test.each([
    ['itself', project, project],
    ['a folder above', folder, project],
    ['a link to it', join(folder, 'link'), join(project, 'inner')],
    ['the root', '/', project],
  ])('by its real path: %s', async (_what, workspace, workingDirectory) => {
    const real = realpathSync(workspace);
    expect(await within(workspace, workingDirectory)).toMatchObject({
      workspace: real,
      shown: expect.stringContaining(`  in         "${real}" and below`) as string,
    });
  });

  test.each([
    ['one that the launch was not asked for in', join(folder, 'project2'), 64],
    ['one whose name goes on', project, 64, join(folder, 'project2')],
    ['one below', join(project, 'inner'), 64],
    ['none', join(folder, 'nowhere'), 66],
  ])('is refused for %s', async (_what, workspace, exitCode, at = project) => {
    await expect(within(workspace, at)).rejects.toMatchObject({
      exitCode,
      hint: expect.stringContaining(at) as string,
    });
  });
});

describe('what a backend runs', () => {
  const tool = { backend: 'pass', get: ['pass'] };
  const limit = { ms: 28_800_000, reason: 'the package is not pinned' };

  test('is approved whole, and has no variables', async () => {
    const requests = [pending('AAAA', { tool, variables: [] })];
    const session = createFakeSession({ answers: answers(requests), typed: ['K7Q4'] });
    expect(await approve(input(), session)).toBe(0);
    expect(session.calls.at(-1)?.params).toMatchObject({ variables: [], code: 'K7Q4' });
    expect(session.shown).toContain('  commands  of "pass"\n');
    expect(session.shown).not.toContain('  variables');
  });

  test('and is needed by a launch is approved with it, by what was shown', async () => {
    const tools = [{ tool, launch, fingerprint: 'e'.repeat(64), limit }];
    const session = createFakeSession({
      answers: answers([pending('AAAA', { tools })]),
      typed: ['K7Q4'],
    });
    await approve(input({ lifetime: 'always' }), session);
    expect(session.calls.at(-1)?.params).toMatchObject({ tools: ['e'.repeat(64)] });
    expect(session.shown).toMatch(
      /variables +"API_TOKEN"\n +for +always[^]*commands +of "pass"\n +for +8h, and no longer/u,
    );
  });
});
