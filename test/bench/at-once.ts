import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, locatePaths, type Client } from '@mcp-broker/daemon/client';
import { createHome, expectSuccess, type Home } from '../kit/home.ts';
import { launchOf } from '../kit/protocol.ts';
import { allowConnections, grantLaunch, startBenchDaemon } from './daemon.ts';
import { milliseconds, quantile, table } from './measure.ts';

const launches = 200;
const launch = launchOf('TOKEN');

/** As many launches in one moment, each on a connection of its own, of a variable that is not cached. */
export async function launchesAtOnce(runs = 15): Promise<string> {
  const home = await createHome({ kind: 'sealed' });
  try {
    await home.set('TOKEN', 'x'.repeat(40));
    await grantLaunch(home, launch);
    allowConnections(home, { connections_per_process: 2 * launches });
    const log = join(home.folder, 'reads');
    const daemon = await startBenchDaemon(home, { env: { BENCH_READS: log } });
    const paths = locatePaths({ home: home.broker });
    const clients = await Promise.all(
      Array.from({ length: launches }, () => connect(paths, { client: 'bench' })),
    );
    const cached: Run[] = [];
    const uncached: Run[] = [];
    for (let run = 0; run < runs; run += 1) {
      await clearCache(home);
      uncached.push(await all(clients, log));
      cached.push(await all(clients, log));
    }
    for (const client of clients) client.close();
    await daemon.stop();
    return [
      table([
        [`${launches} launches at once`, 'median', 'longest', 'reads of the sealed file', 'aim'],
        rowOf('cached', cached, ''),
        rowOf('not cached', uncached, '1 for the value'),
      ]),
      '  until the last has its value; the names in the file are a read of their own, before the decision.',
    ].join('\n');
  } finally {
    await home.remove();
  }
}

interface Run {
  readonly ms: number;
  readonly reads: number;
}

async function all(clients: readonly Client[], log: string): Promise<Run> {
  writeFileSync(log, '');
  const began = performance.now();
  await Promise.all(
    clients.map(async (client) => {
      const { ticket } = (await client.call('launch.request', launch)).result;
      const { attachments } = await client.call('launch.take', { ticket });
      for (const value of attachments) value.fill(0);
    }),
  );
  const ms = performance.now() - began;
  return { ms, reads: readFileSync(log, 'utf8').split('\n').length - 1 };
}

async function clearCache(home: Home): Promise<void> {
  expectSuccess(await home.mcp(['cache', 'clear']));
}

function rowOf(name: string, runs: readonly Run[], aim: string): string[] {
  const times = runs.map(({ ms }) => ms).sort((a, b) => a - b);
  const reads = runs.map((run) => run.reads).sort((a, b) => a - b);
  return [
    name,
    milliseconds(quantile(times, 0.5)),
    milliseconds(times.at(-1) ?? Number.NaN),
    `${reads[0] ?? 0} to ${reads.at(-1) ?? 0}`,
    aim,
  ];
}
