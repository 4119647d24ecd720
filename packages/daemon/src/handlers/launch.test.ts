import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BrokerError } from '@mcp-broker/providers/errors';
import type { AuditEvent } from '../audit/event.ts';
import type { Broker } from '../broker.ts';
import type { Cached } from '../cache.ts';
import type { Context, Handlers } from '../listener/handler.ts';
import { createVault, type Slice } from '../memory.ts';
import { createApprovals } from '../grants/approvals.ts';
import { createLaunches } from '../policy/launches.ts';
import type { Lifetime, PendingApproval } from '../protocol/approvals.ts';
import { formatReference, type Reference } from '../reference.ts';
import { machine, peerOf } from '../testing/fake-machine.ts';
import { fakeClock, type FakeClock } from '../testing/fake-clock.ts';
import { grantsHome, unlock, type GrantsHome } from '../testing/grants-home.ts';
import { launchHandlers } from './launch.ts';

let folder = '';
let clock: FakeClock;
let home: GrantsHome;
let lines: AuditEvent[] = [];
/** Called when a value is read, before the store answers. */
let whileReading: () => Promise<unknown>;
let planning: () => Promise<unknown>;
let handlers: Pick<Handlers, 'launch.request' | 'launch.take'>;
let approvals: Broker['approvals'];
const platform = machine({ 7: { parent: 6 }, 6: {}, 8: { parent: 5 }, 5: {} });
const vault = createVault();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-launch-'));
  clock = fakeClock();
  home = grantsHome({ home: folder, clock, identity: 7 });
  lines = [];
  whileReading = async () => undefined;
  planning = async () => undefined;
  approvals = createApprovals(clock);
  handlers = launchHandlers({
    ...home,
    clock,
    platform,
    approvals,
    launches: createLaunches(platform),
    running: { taken: () => undefined },
    notifier: { pending: () => undefined },
    audit: { append: async (line: AuditEvent) => void lines.push(line) },
    loaded: { digest: 'config' },
    config: { backends: {}, settings: {} },
    programs: { examine: async () => ({ files: [], identities: [] }) },
    resolver: {
      async plan(reference: Reference) {
        await planning();
        const text = formatReference(reference);
        const locator = { path: 'A' };
        return { reference, text, subject: 'A', backend: 'b', kind: 'vault', locator, ttlMs: 0 };
      },
      state: async () => 'unasked',
      async read(_plan: unknown, action: (cached: Cached) => unknown) {
        await whileReading();
        const bytes = Buffer.from('value');
        const copy = (): Slice => vault.store(Buffer.from(bytes));
        return action({ bytes, copy, hit: false, ageMs: 0 } as unknown as Cached);
      },
    },
  } as unknown as Broker);
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const context = (pid = 7): Context =>
  ({
    peer: peerOf(pid),
    attachments: [],
    signal: new AbortController().signal,
    connection: { id: pid, send: () => undefined, onClose: () => undefined },
  }) as unknown as Context;

const request = {
  command: 'server',
  args: [],
  path: null,
  environment: [{ name: 'T', value: '$<A>', origin: 'entry' as const }],
};

const ask = async (by: Context): Promise<string> =>
  (await handlers['launch.request'](request, by)).result.ticket;

async function refusedLaunch(by: Context): Promise<PendingApproval> {
  await expect(ask(by)).rejects.toMatchObject({ code: 'ERR_NOT_APPROVED' });
  const [pending] = approvals.pending;
  if (pending === undefined) throw new Error('nothing is pending');
  return pending;
}

/** A launch that has its ticket. */
async function ticketed(lifetime: Lifetime, by: Context): Promise<string> {
  const pending = await refusedLaunch(by);
  const { variables } = pending;
  await home.grants.add({ outcome: 'allowed', request: pending, variables, lifetime });
  return ask(by);
}

const take = async (ticket: string, by: Context): Promise<string[]> =>
  ((await handlers['launch.take']({ ticket }, by)).attachments ?? []).map(String);

test('a granted launch gets its value', async () => {
  const by = context();
  expect(await take(await ticketed('session', by), by)).toEqual(['value']);
});

describe('while a store is slow to answer,', () => {
  test.each<[title: string, change: () => Promise<unknown>]>([
    ['a grant that is revoked', () => home.grants.revoke({ all: true })],
    [
      'a launch that is refused',
      async () => {
        const [shown] = approvals.pending;
        if (shown === undefined) throw new Error('nothing is pending');
        const { variables } = shown;
        await home.grants.add({
          outcome: 'denied',
          request: shown,
          variables,
          lifetime: 'session',
        });
      },
    ],
    [
      'a sealed file that is locked',
      async () => {
        home.keyring.lock();
        unlock(home.keyring);
      },
    ],
  ])('%s gives no value out', async (_title, change) => {
    const by = context();
    for (const lifetime of ['once', 'session'] as const) {
      const ticket = await ticketed(lifetime, by);
      whileReading = change;
      await expect(take(ticket, by)).rejects.toMatchObject({ retryable: true });
      expect(lines.at(-1)).toMatchObject({ event: 'deny', outcome: 'denied' });
      whileReading = async () => undefined;
      await home.grants.revoke({ all: true }).catch(() => undefined);
    }
  });
});

test('what was granted once goes to one of two parents alone', async () => {
  const [first, second] = [context(7), context(8)];
  const tickets = [await ticketed('once', first), await ask(second)];
  expect(await take(tickets[0] ?? '', first)).toEqual(['value']);
  await expect(take(tickets[1] ?? '', second)).rejects.toMatchObject({ code: 'ERR_DENIED' });
});

test('a launch with another HOME than the account’s is another launch', async () => {
  const asked = async (variables: string): Promise<string | undefined> => {
    const attachments = [Buffer.from(variables)];
    await ask({ ...context(), attachments }).catch(() => undefined);
    return lines.at(-1)?.fingerprint;
  };
  const plain = await asked('');
  expect(await asked(`HOME=${userInfo().homedir}\0`)).toBe(plain);
  expect(await asked('HOME=/srv/repository\0')).not.toBe(plain);
  expect(await asked('UV_CACHE_DIR=/srv/repository\0')).not.toBe(plain);
});

test('more launches than are to wait at once are answered at once', async () => {
  await refusedLaunch(context());
  const { timers } = clock;
  const answers: string[] = [];
  const waiting = Array.from({ length: 70 }, () => {
    const by = context();
    const controller = new AbortController();
    const asked = handlers['launch.request'](
      { ...request, waitMs: 60_000 },
      { ...by, signal: controller.signal },
    ).catch(({ code }: { code: string }) => answers.push(code));
    return { controller, asked };
  });
  await Promise.all(waiting.slice(64).map(({ asked }) => asked));
  expect(answers).toEqual(Array.from({ length: 6 }, () => 'ERR_NOT_APPROVED'));
  for (const { controller } of waiting) controller.abort();
  await Promise.all(waiting.map(({ asked }) => asked));
  expect([answers.length, clock.timers]).toEqual([70, timers]);
});

test('locked is told before what else is wrong', async () => {
  home.keyring.lock();
  planning = async () => {
    throw new BrokerError('ERR_NOT_FOUND', 'no such backend');
  };
  await expect(ask(context())).rejects.toMatchObject({
    code: 'ERR_LOCKED',
    message: expect.stringMatching(/no such backend.*locked/) as string,
  });
});

test('a lock that overtakes a launch is told, and nobody is asked to approve it anew', async () => {
  planning = async () => home.keyring.lock();
  await expect(ask(context())).rejects.toMatchObject({ code: 'ERR_LOCKED' });
  expect(approvals.pending).toEqual([]);
  expect(lines).toMatchObject([{ event: 'deny', code: 'ERR_LOCKED' }]);
});

test('a lock during the wait for a person is what the launch ends with', async () => {
  const waiting = handlers['launch.request']({ ...request, waitMs: 1000 }, context());
  const outcome = waiting.catch((error: unknown) => error);
  await expect.poll(() => approvals.pending.length).toBe(1);
  home.keyring.lock();
  clock.pass(1000);
  expect(await outcome).toMatchObject({ code: 'ERR_LOCKED' });
});
