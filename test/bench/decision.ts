import { hash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKeychainAccess, createProvider, createSecretsFile } from '@mcp-broker/providers';
import type { AuditLog } from '../../packages/daemon/src/audit/event.ts';
import type { Broker } from '../../packages/daemon/src/broker.ts';
import { createCache } from '../../packages/daemon/src/cache.ts';
import { systemClock } from '../../packages/daemon/src/clock.ts';
import { readConfig } from '../../packages/daemon/src/config/index.ts';
import { launchHandlers } from '../../packages/daemon/src/handlers/launch.ts';
import type { Context } from '../../packages/daemon/src/listener/handler.ts';
import { createVault } from '../../packages/daemon/src/memory.ts';
import { createPlatform } from '../../packages/daemon/src/platform/index.ts';
import { createApprovals } from '../../packages/daemon/src/grants/approvals.ts';
import { createDigests } from '../../packages/daemon/src/program/digests.ts';
import { createLaunches } from '../../packages/daemon/src/policy/launches.ts';
import { createPrograms } from '../../packages/daemon/src/program/program.ts';
import type { LaunchRequest } from '../../packages/daemon/src/protocol/messages.ts';
import { createResolver } from '../../packages/daemon/src/resolver.ts';
import { grantsHome, unlock } from '../../packages/daemon/src/testing/grants-home.ts';
import { quantile, table } from './measure.ts';

const rounds = 2000;
const scriptBytes = 1024 * 1024;

/**
 * What a decision takes inside the daemon: `launch.request` from its params to its ticket, with the real
 * parts and warm digests, at a number of grants. `node` with a script of 1 MB and one reference.
 */
export async function decision(
  counts: readonly number[] = [10, 100, 1000, 10_000],
): Promise<string> {
  const rows: [string, string, string, string][] = [
    ['grants', 'median', 'p99', 'beside the first'],
  ];
  const medians: number[] = [];
  for (const count of counts) {
    const times = await measure(count);
    const median = quantile(times, 0.5);
    medians.push(median);
    rows.push([
      String(count),
      `${median.toFixed(3)} ms`,
      `${quantile(times, 0.99).toFixed(3)} ms`,
      `${(median / (medians[0] ?? median)).toFixed(2)} ×`,
    ]);
  }
  return `${table(rows)}\n  at most 1 ms, and 1.20 × from the first to the last`;
}

async function measure(count: number): Promise<number[]> {
  const folder = mkdtempSync(join(process.cwd(), '.bench-'));
  const home = join(mkdtempSync(join(tmpdir(), 'mcp-bench-')), '.mcp');
  try {
    const script = join(folder, 'server.js');
    writeFileSync(script, `// ${'x'.repeat(scriptBytes)}\n`);
    const { broker, end } = await createBroker(home);
    const ask = launchHandlers(broker)['launch.request'];
    await ask(launch(script), context).catch(() => undefined);
    const [request] = broker.approvals.pending;
    if (request === undefined) throw new Error('nothing was asked for');
    const { variables } = request;
    for (let index = 0; index < count; index += 1) {
      const fingerprint = index === 0 ? request.fingerprint : hash('sha256', String(index));
      await broker.grants.add({
        outcome: 'allowed',
        request: { ...request, fingerprint },
        variables,
        lifetime: 'session',
      });
    }
    const times: number[] = [];
    for (let round = -rounds / 4; round < rounds; round += 1) {
      const began = performance.now();
      await ask(launch(script), context);
      if (round >= 0) times.push(performance.now() - began);
    }
    end();
    return times.sort((a, b) => a - b);
  } finally {
    rmSync(folder, { recursive: true });
    rmSync(join(home, '..'), { recursive: true });
  }
}

function launch(script: string): LaunchRequest {
  return {
    command: process.execPath,
    args: [script],
    path: '/usr/bin:/bin',
    environment: [{ name: 'TOKEN', value: '$<TOKEN>', origin: 'entry' }],
  };
}

const platform = createPlatform();

/** This process asks. */
const context: Context = {
  peer: {
    pid: process.pid,
    uid: process.getuid?.() ?? 0,
    startTime: platform.startTime(process.pid) ?? '',
  },
  client: 'bench',
  connection: { id: 1, send: () => undefined, onClose: () => undefined },
  attachments: [],
  signal: new AbortController().signal,
};

/** The parts that a decision needs, as the daemon puts them together. */
async function createBroker(home: string): Promise<{ broker: Broker; end: () => void }> {
  const clock = systemClock;
  const { paths, keyring, grants } = grantsHome({ home, clock });
  unlock(keyring);
  await createSecretsFile(paths.secrets, keyring);
  const loaded = readConfig(paths.config);
  const cache = createCache({ vault: createVault(), clock, maxEntries: 100 });
  const resolver = createResolver({
    config: () => loaded.config,
    cache,
    clock,
    open: (kind, settings) =>
      createProvider(kind, settings, {
        file: paths.secrets,
        identity: keyring,
        lock: () => Promise.resolve(() => undefined),
        now: () => clock.now(),
        home: paths.home,
        keychain: createKeychainAccess({
          sessionBus: () => undefined,
          after: () => () => undefined,
        }),
      }),
  });
  const store = await resolver.provider('sealed');
  const options = { signal: new AbortController().signal };
  await store.put?.({ path: 'TOKEN' }, Buffer.from('x'), options);
  const plan = await resolver.plan({ kind: 'variable', name: 'TOKEN' });
  await resolver.read(plan, () => undefined);
  const audit = { append: () => Promise.resolve() } as unknown as AuditLog;
  const broker = {
    paths,
    platform,
    clock,
    keyring,
    resolver,
    audit,
    approvals: createApprovals(clock),
    grants,
    launches: createLaunches(platform),
    programs: createPrograms(createDigests()),
    config: loaded.config,
    loaded,
  } as unknown as Broker;
  const end = (): void => {
    keyring.lock();
    cache.stop();
  };
  return { broker, end };
}
