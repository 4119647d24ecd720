import { describe, expect, test } from 'vitest';

import type { PendingApproval } from '@mcp-broker/daemon/protocol';

import { approve } from './approve.ts';
import { createFakeSession, type Answers } from './fake-session.ts';
import { requestText } from './request-text.ts';

function pending(id: string, more: Partial<PendingApproval> = {}): PendingApproval {
  return {
    id,
    command: 'npx',
    args: ['-y', '@scope/server'],
    executable: '/usr/bin/node',
    digest: 'd'.repeat(64),
    workingDirectory: '/home/me/project',
    variables: [
      {
        reference: '$<API_TOKEN>',
        name: 'API_TOKEN',
        backend: 'sealed',
        locator: 'API_TOKEN',
        into: ['TOKEN'],
      },
    ],
    environment: [{ name: 'TOKEN', value: '$<API_TOKEN>', origin: 'entry' }],
    fingerprint: 'f'.repeat(64),
    pid: 4711,
    requested: '2026-01-01T00:00:00.000Z',
    ...more,
  };
}

function answers(requests: readonly PendingApproval[]): Answers {
  const find = (id: string): PendingApproval => {
    const request = requests.find((other) => other.id === id);
    if (request === undefined) throw new Error(`no ${id}`);
    return request;
  };
  return {
    'approval.list': () => ({ pending: requests }),
    'approval.open': ({ id }) => ({ request: find(id), code: 'K7Q4' }),
    'approval.grant': ({ id }) => ({ request: find(id), until: 'daemon stops' }),
  };
}

const one = [pending('AAAA', { server: 'github' })];
const two = [...one, pending('BBBB', { server: 'github' }), pending('CCCC', { server: 'other' })];
const here = { which: undefined, fd: undefined };

describe('mcp approve on a terminal', () => {
  test('shows the request, ends with its code, and sends what is typed', async () => {
    const session = createFakeSession({ answers: answers(one), typed: [' k7q4 '] });
    expect(await approve(here, session)).toBe(0);
    expect(session.shown).toBe(
      `${requestText(one[0] as PendingApproval)}code: K7Q4\nType the code to approve: `,
    );
    expect(session.calls.at(-1)).toMatchObject({
      method: 'approval.grant',
      params: { id: 'AAAA', code: 'k7q4' },
      attachments: [],
    });
    expect(session.stdout).toBe('approved AAAA: npx, until the daemon stops\n');
  });

  test('sends nothing when nothing is typed', async () => {
    const session = createFakeSession({ answers: answers(one), typed: [''] });
    await expect(approve(here, session)).rejects.toMatchObject({ code: 'ERR_PRESENCE' });
    expect(session.calls.map(({ method }) => method)).not.toContain('approval.grant');
  });

  test('without a terminal it is 77, with the other way as the hint', async () => {
    const session = createFakeSession({ answers: answers(one) });
    await expect(approve(here, session)).rejects.toMatchObject({
      code: 'ERR_PRESENCE',
      exitCode: 77,
      hint: expect.stringContaining('mcp approve AAAA --fd 3') as string,
    });
  });
});

describe('mcp approve --fd', () => {
  test('sends the passphrase as bytes, shows what is approved, and wipes', async () => {
    const session = createFakeSession({ answers: answers(one), descriptors: { 3: 'pass\n' } });
    expect(await approve({ which: 'aaaa', fd: 3 }, session)).toBe(0);
    expect(session.calls.at(-1)).toMatchObject({ params: { id: 'AAAA' }, attachments: ['pass'] });
    expect(session.stderr).toContain('"@scope/server"');
    expect(session.held[1]?.every((byte) => byte === 0)).toBe(true);
  });
});

describe('which request', () => {
  test.each([
    ['an id', 'BBBB', 'BBBB'],
    ['an id in small letters', 'bbbb', 'BBBB'],
    ['a server that has one', 'other', 'CCCC'],
  ])('can be said by %s', async (_what, which, id) => {
    const session = createFakeSession({ answers: answers(two), descriptors: { 3: 'x' } });
    await approve({ which, fd: 3 }, session);
    expect(session.calls.at(-1)?.params).toEqual({ id, fingerprint: 'f'.repeat(64) });
  });

  test.each([
    ['several wait', undefined],
    ['a server has several', 'github'],
  ])('has to be said by its id when %s, and they are listed', async (_what, which) => {
    const session = createFakeSession({ answers: answers(two), typed: ['K7Q4'] });
    await expect(approve({ which, fd: undefined }, session)).rejects.toMatchObject({
      code: 'ERR_USAGE',
      hint: 'mcp approve AAAA',
    });
    expect(session.stdout).toMatch(/^ID .*\nAAAA .*\nBBBB /u);
    expect(session.calls).toHaveLength(1);
  });

  test.each([
    ['none waits', [], undefined],
    ['none has that name', two, 'nowhere'],
  ])('is 66 when %s', async (_what, requests, which) => {
    const session = createFakeSession({ answers: answers(requests), typed: [] });
    await expect(approve({ which, fd: undefined }, session)).rejects.toMatchObject({
      exitCode: 66,
    });
  });
});

describe('the text of a request', () => {
  const nasty = pending('AAAA', {
    server: 'ok\ncode: AAAA',
    command: '\u001b[2Jsh',
    args: ['', 'a'.repeat(5000), '-c\rrm', '\u202egnp'],
    workingDirectory: '/tmp/"x"',
    environment: [{ name: 'A\u009b', value: '\u2066$<X>\n', origin: 'inherited' }],
  });
  const text = requestText(nasty);

  test('holds every part, and cuts none', () => {
    for (const part of ['"npx"', '"-y"', '"@scope/server"', '"/usr/bin/node"', 'd'.repeat(64)]) {
      expect(requestText(pending('AAAA'))).toContain(part);
    }
    expect(text).toContain('a'.repeat(5000));
    expect(text).toContain('argument 1   ""\n');
  });

  test('has one line for each part, whatever the caller put there', () => {
    expect(text.split('\n')).toHaveLength(3 + nasty.args.length + 5 + 2 + 1);
    expect(text).not.toMatch(/^code:/mu);
    expect(text).toContain('"ok\\ncode: AAAA"');
  });

  test('has no character that a terminal acts on', () => {
    expect(text).not.toMatch(/[^\n\u0020-\u007e]/u);
    expect(text).toContain('"\\e[2Jsh"');
    expect(text).toContain('"/tmp/\\"x\\""');
  });
});
