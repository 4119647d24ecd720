import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AuditEvent } from '../audit/event.ts';
import type { Broker } from '../broker.ts';
import type { Context } from '../listener/handler.ts';
import { createApprovals } from '../grants/approvals.ts';
import type { GrantSummary } from '../protocol/approvals.ts';
import { fakeClock } from '../testing/fake-clock.ts';
import { peerOf } from '../testing/fake-machine.ts';
import { had } from '../testing/grant-decision.ts';
import { grantsHome, unlock } from '../testing/grants-home.ts';
import { pendingRequest } from '../testing/pending-request.ts';
import { approvalHandlers } from './approval.ts';

let home = '';
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'mcp-approval-'));
});
afterEach(() => {
  rmSync(home, { recursive: true });
});

const context = {
  peer: peerOf(7),
  attachments: [],
  connection: { id: 1 },
} as unknown as Context;

/** A person approves for the session; `meanwhile` happens while the line is being written. */
async function approve(meanwhile: (keyring: Broker['keyring']) => void): Promise<{
  answer: Promise<unknown>;
  lines: AuditEvent[];
  had: () => string;
  left: () => number;
}> {
  const clock = fakeClock();
  const { grants, keyring } = grantsHome({ home, clock, identity: 7 });
  const approvals = createApprovals(clock);
  const lines: AuditEvent[] = [];
  const { id } = approvals.request(pendingRequest('f'));
  const handlers = approvalHandlers({
    approvals,
    grants,
    keyring,
    presence: { prove: async () => undefined },
    audit: {
      async append(line: AuditEvent) {
        lines.push(line);
        if (line.outcome === 'allowed') meanwhile(keyring);
      },
    },
  } as unknown as Broker);
  const params = { id, fingerprint: 'f', lifetime: 'session' as const, code: 'CODE' };
  const answer = handlers['approval.grant'](params, context);
  await answer.catch(() => undefined);
  return { answer, lines, had: () => had(grants), left: () => approvals.pending.length };
}

test('what is approved may be had, and waits no more', async () => {
  const approved = await approve(() => undefined);
  expect([approved.had(), approved.left()]).toEqual(['A', 0]);
});

test('what is approved as the home is locked does not begin after the next unlock', async () => {
  const approved = await approve((keyring) => {
    keyring.lock();
    unlock(keyring);
  });
  await expect(approved.answer).rejects.toMatchObject({ code: 'ERR_LOCKED' });
  expect([approved.had(), approved.left()]).toEqual(['', 1]);
  expect(approved.lines).toMatchObject([
    { outcome: 'allowed' },
    { outcome: 'failed', code: 'ERR_LOCKED' },
  ]);
});

describe('a launch that needs what a backend runs', () => {
  const request = {
    ...pendingRequest('f'),
    tools: [
      {
        tool: { backend: 'own', get: ['tool'] },
        launch: { ...pendingRequest('t').launch, argv: ['tool'], variables: [] },
        fingerprint: 't',
        limit: { ms: 1000, reason: 'not pinned' },
      },
    ],
  };

  const approving = async (
    tools: readonly string[] | undefined,
  ): Promise<{ answer: Promise<unknown>; grants: readonly GrantSummary[]; left: number }> => {
    const clock = fakeClock();
    const { grants, keyring } = grantsHome({ home, clock, identity: 7 });
    const approvals = createApprovals(clock);
    const { id } = approvals.request(request);
    const [tool] = request.tools;
    if (tool === undefined) throw new Error('no tool');
    approvals.request({ ...pendingRequest('t', []), tool: tool.tool });
    const handlers = approvalHandlers({
      approvals,
      grants,
      keyring,
      presence: { prove: async () => undefined },
      audit: { append: async () => undefined },
    } as unknown as Broker);
    const shown = tools === undefined ? {} : { tools };
    const params = { id, fingerprint: 'f', lifetime: 'always' as const, ...shown };
    const answer = handlers['approval.grant'](params, context);
    await answer.catch(() => undefined);
    return { answer, grants: grants.list, left: approvals.pending.length };
  };

  test('has both with one proof, each for as long as it may, and neither waits', async () => {
    const { grants, left } = await approving(['t']);
    expect(grants).toMatchObject([
      { backend: 'own', fingerprint: 't', variables: [], lifetime: 'duration' },
      { fingerprint: 'f', variables: ['A'], lifetime: 'always' },
    ]);
    expect(left).toBe(0);
  });

  test.each([[undefined], [['another']]])('has neither when %j was shown', async (tools) => {
    const { answer, grants, left } = await approving(tools);
    await expect(answer).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
    expect({ grants, left }).toEqual({ grants: [], left: 2 });
  });
});
