import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BrokerError, Secret, type Provider } from '@mcp-broker/providers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AuditEvent } from '../audit/event.ts';
import type { Broker } from '../broker.ts';
import { createCache } from '../cache.ts';
import { parseConfig } from '../config/index.ts';
import { createApprovals } from '../grants/approvals.ts';
import type { Context, Handlers } from '../listener/handler.ts';
import { createVault } from '../memory.ts';
import { createLaunches } from '../policy/launches.ts';
import { createResolver } from '../resolver.ts';
import { fakeClock, type FakeClock } from '../testing/fake-clock.ts';
import { machine, peerOf } from '../testing/fake-machine.ts';
import { grantsHome } from '../testing/grants-home.ts';
import { launchHandlers } from './launch.ts';

const pids = Array.from({ length: 200 }, (_, index) => 1000 + index);

let folder = '';
let clock: FakeClock;
let handlers: Pick<Handlers, 'launch.request' | 'launch.take'>;
/** What was asked of the store. */
let reads: string[];
let value: () => Secret;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-at-once-'));
  clock = fakeClock();
  reads = [];
  value = () => new Secret(Buffer.from('value'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** The handlers, with the launch of all these processes granted. */
async function start(local: boolean): Promise<void> {
  const home = grantsHome({ home: folder, clock, identity: 7 });
  const platform = machine(Object.fromEntries(pids.map((pid) => [pid, {}])));
  const text = 'version: "1.0"\nsettings: {default_backend: sealed, ttl: 1m}\n';
  const { config } = parseConfig(text, 'config.yaml');
  const approvals = createApprovals(clock);
  const store: Provider = {
    local,
    locate: (name) => ({ path: name }),
    async get() {
      reads.push('get');
      return value();
    },
    async list() {
      reads.push('list');
      return [{ name: 'A' }];
    },
  };
  const audit = { append: async (_line: AuditEvent) => undefined };
  const cache = createCache({ vault: createVault(), clock, maxEntries: 10 });
  const broker = {
    ...home,
    clock,
    platform,
    approvals,
    config,
    audit,
    launches: createLaunches(platform),
    running: { taken: () => undefined },
    notifier: { pending: () => undefined },
    loaded: { digest: 'config' },
    programs: { examine: async () => ({ files: [], identities: [] }) },
    resolver: createResolver({ config: () => config, cache, clock, open: async () => store }),
  } as unknown as Broker;
  handlers = launchHandlers(broker);
  await ask(pids[0] ?? 0).catch(() => undefined);
  const [request] = approvals.pending;
  if (request === undefined) throw new Error('nothing was asked for');
  const { variables } = request;
  await home.grants.add({ outcome: 'allowed', request, variables, lifetime: 'session' });
  reads = [];
}

const context = (pid: number): Context =>
  ({
    peer: peerOf(pid),
    attachments: [],
    connection: { id: pid, send: () => undefined, onClose: () => undefined },
  }) as unknown as Context;

const request = {
  command: 'server',
  args: [],
  path: null,
  environment: [{ name: 'T', value: '$<A>', origin: 'entry' as const }],
};

const ask = async (pid: number): Promise<string> =>
  (await handlers['launch.request'](request, context(pid))).result.ticket;

async function launch(pid: number): Promise<string> {
  const ticket = await ask(pid);
  const { attachments = [] } = await handlers['launch.take']({ ticket }, context(pid));
  return attachments.map(String).join();
}

test.each([
  ['a remote store', false, ['get']],
  ['a store on this machine, whose names are read before', true, ['list', 'get']],
])(
  '200 launches at once of a variable that is not cached read it once: %s',
  async (_, local, once) => {
    await start(local);
    expect(new Set(await Promise.all(pids.map(launch)))).toEqual(new Set(['value']));
    expect(reads).toEqual(once);
    clock.pass(60_000);
    expect(new Set(await Promise.all(pids.map(launch)))).toEqual(new Set(['value']));
    expect(reads).toEqual([...once, ...once]);
  },
);

test('a read that fails is told to all of them, and tried again by the next', async () => {
  await start(false);
  value = () => {
    throw new BrokerError('ERR_BACKEND_UNAVAILABLE', 'the store is away', { hint: 'wait' });
  };
  const failed = await Promise.allSettled(pids.map(launch));
  const reason = { code: 'ERR_BACKEND_UNAVAILABLE', message: 'A: the store is away' };
  expect(failed).toMatchObject(pids.map(() => ({ status: 'rejected', reason })));
  expect(reads).toEqual(['get']);
  value = () => new Secret(Buffer.from('value'));
  expect(await launch(pids[0] ?? 0)).toBe('value');
});
