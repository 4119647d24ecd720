import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Client } from '@mcp-broker/daemon/client';
import { BrokerError, type LaunchRequest } from '@mcp-broker/daemon/protocol';
import { systemClock } from '../../packages/daemon/src/clock.ts';
import { decidedGrant, type Grant } from '../../packages/daemon/src/grants/grant.ts';
import { createGrantsFile } from '../../packages/daemon/src/grants/grants-file.ts';
import { unusedCode } from '../../packages/daemon/src/policy/codes.ts';
import type { PendingApproval } from '../../packages/daemon/src/protocol/approvals.ts';
import { createHome, expectSuccess, type Home } from '../kit/home.ts';
import { connectTo, launchOf } from '../kit/protocol.ts';
import { memoryInUse, startBenchDaemon } from './daemon.ts';
import { addSecrets, openState } from './home-state.ts';
import { table } from './measure.ts';
import { holdBuffers } from './programs.ts';

const bytes = 100;
const counts = [1000, 10_000] as const;
/** Variables of one launch. */
const atOnce = 50;

/** What the daemon takes for values that it holds, beside a Node that holds as many in Buffers. */
export async function cachedSecrets(): Promise<string> {
  const most = counts.at(-1) ?? 0;
  const home = await createHome({ kind: 'sealed' });
  try {
    await fill(home, most);
    const launches = Array.from({ length: most / atOnce }, (_, index) => launchNumber(index));
    await grantAll(home, launches);
    const daemon = await startBenchDaemon(home);
    const client = await connectTo(home);
    // Grants are read with the first launch; they are no part of what is looked at.
    await client.call('launch.request', launches[0] ?? launchNumber(0));
    const empty = await daemon.memory();
    const rows: string[][] = [];
    let taken = 0;
    for (const count of counts) {
      for (; taken < count / atOnce; taken += 1) await take(client, launches[taken]);
      await requireCached(client, count);
      const ours = (await daemon.memory()) - empty;
      const bare = await bareMemory(count);
      rows.push([
        `${count} of ${bytes} bytes`,
        megabytes(bare),
        megabytes(ours),
        count === most ? 'at most 20 MB' : '',
      ]);
    }
    client.close();
    await daemon.stop();
    return [
      table([['', 'Buffers in Node', 'the daemon', 'aim'], ...rows]),
      `  more than the empty daemon of ${megabytes(empty)}; resident, after a collection`,
    ].join('\n');
  } finally {
    await home.remove();
  }
}

async function fill(home: Home, count: number): Promise<void> {
  expectSuccess(await home.mcp(['daemon', 'stop']));
  const state = await openState(home);
  const names = Array.from({ length: count }, (_, index) => `VARIABLE_${index}`);
  await addSecrets(state, names, Buffer.alloc(bytes, 'x'));
  state.keyring.lock();
  expectSuccess(await home.mcp(['unlock', '--fd', '3'], { fd3: `${home.passphrase}\n` }));
}

function launchNumber(index: number): LaunchRequest {
  return launchOf('TOKEN', {
    environment: Array.from({ length: atOnce }, (_, at) => ({
      name: `V${at}`,
      value: `$<VARIABLE_${index * atOnce + at}>`,
      origin: 'entry' as const,
    })),
  });
}

/** Lasting grants, written as the product writes them: a person would type a code for each. */
async function grantAll(home: Home, launches: readonly LaunchRequest[]): Promise<void> {
  const client = await connectTo(home);
  const requests: PendingApproval[] = [];
  for (const launch of launches) requests.push(await askFor(client, launch));
  client.close();
  expectSuccess(await home.mcp(['daemon', 'stop']));
  const { paths, keyring, own } = await openState(home);
  const ids = new Set<string>();
  const grants = requests.map((request): Grant => {
    const id = unusedCode((code) => ids.has(code));
    ids.add(id);
    return decidedGrant(
      { outcome: 'allowed', request, variables: request.variables },
      id,
      Date.now(),
    );
  });
  await createGrantsFile({ paths, clock: systemClock, keyring, own }).write(
    grants,
    'back to the old',
  );
  keyring.lock();
}

/** What the daemon would show a person. */
async function askFor(client: Client, launch: LaunchRequest): Promise<PendingApproval> {
  const refusal: unknown = await client.call('launch.request', launch).catch((error) => error);
  const { pending } = (await client.call('approval.list', {})).result;
  const id = refusal instanceof BrokerError ? refusal.subject : undefined;
  const request = pending.find((one) => one.id === id);
  if (request === undefined) throw refusal;
  await client.call('approval.deny', { id: request.id, lifetime: 'once' });
  return request;
}

async function take(client: Client, launch: LaunchRequest | undefined): Promise<void> {
  if (launch === undefined) throw new Error('there are no more launches');
  const { ticket } = (await client.call('launch.request', launch)).result;
  const { attachments } = await client.call('launch.take', { ticket });
  for (const value of attachments) value.fill(0);
}

async function requireCached(client: Client, count: number): Promise<void> {
  const { cache } = (await client.call('broker.status', {})).result;
  if (cache.entries !== count) throw new Error(`${cache.entries} values are cached`);
}

async function bareMemory(count: number): Promise<number> {
  const [none, many] = [await memoryOf(0), await memoryOf(count)];
  return many - none;
}

async function memoryOf(count: number): Promise<number> {
  const child = spawn(process.execPath, ['--expose-gc', '-e', holdBuffers(count, bytes)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const used = await memoryInUse(child);
  const exit = once(child, 'exit');
  child.stdin.end();
  await exit;
  return used;
}

function megabytes(value: number): string {
  return `${(value / 2 ** 20).toFixed(1)} MB`;
}
