import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { locatePaths } from '@mcp-broker/daemon/client';
import type { LaunchRequest } from '@mcp-broker/daemon/protocol';
import { daemonArguments } from '../../packages/daemon/src/client/daemon-arguments.ts';
import { expectSuccess, type Home } from '../kit/home.ts';
import { connectTo, ticketFor } from '../kit/protocol.ts';

const benchDaemon = fileURLToPath(new URL('bench-daemon.ts', import.meta.url));

/** A daemon of the bench's own in the place of the home's, unlocked. */
export interface BenchDaemon {
  readonly pid: number;
  /** How many files and sockets it has open. */
  descriptors(): number;
  /** Seconds of processor time so far, all threads. */
  cpu(): number;
  /** Bytes that are resident, after a collection. */
  memory(): Promise<number>;
  stop(): Promise<void>;
}

export interface BenchDaemonOptions {
  readonly withoutAudit?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

export async function startBenchDaemon(
  home: Home,
  { withoutAudit = false, env = {} }: BenchDaemonOptions = {},
): Promise<BenchDaemon> {
  expectSuccess(await home.mcp(['daemon', 'stop']));
  const paths = locatePaths({ home: home.broker });
  const program = {
    main: () => benchDaemon,
    execArgv: withoutAudit ? ['--conditions=dev'] : [],
  };
  const own = withoutAudit ? ['--without-audit'] : [];
  const child = spawn(
    process.execPath,
    [...daemonArguments(paths, program), ...own, '--ready-fd', '3'],
    { env: { ...home.env, ...env }, stdio: ['ignore', 'ignore', 'ignore', 'pipe'] },
  );
  const ready = child.stdio[3];
  if (ready === null || ready === undefined) throw new Error('the daemon has no pipe');
  const [said] = (await once(ready, 'data')) as [Buffer];
  if (!String(said).startsWith('{"ready":true')) throw new Error(`the daemon says ${String(said)}`);
  expectSuccess(await home.mcp(['unlock', '--fd', '3'], { fd3: `${home.passphrase}\n` }));
  const pid = child.pid ?? -1;
  return {
    pid,
    descriptors: () => readdirSync(`/proc/${pid}/fd`).length,
    cpu: () => processorTime(pid),
    memory: () => memoryInUse(child),
    async stop() {
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      await exit;
    },
  };
}

/** Raises the caps on connections, for a client that stands for many. */
export function allowConnections(home: Home, limits: Readonly<Record<string, number>>): void {
  const file = join(home.broker, 'config.yaml');
  const text = readFileSync(file, 'utf8');
  writeFileSync(
    file,
    text.replace(/^settings:$/mu, `settings:\n  limits: ${JSON.stringify(limits)}`),
  );
}

/** A variable, and a lasting grant for the launch that asks for it. */
export async function grantLaunch(home: Home, launch: LaunchRequest): Promise<void> {
  const client = await connectTo(home);
  await ticketFor(home, client, launch);
  client.close();
}

/** After what is left over has been collected, once it gets no less. A child that does so at SIGUSR2. */
export async function memoryInUse(child: ChildProcess): Promise<number> {
  let last = Number.POSITIVE_INFINITY;
  for (;;) {
    child.kill('SIGUSR2');
    await sleep(300);
    const now = residentSize(child.pid ?? -1);
    if (now > last * 0.99) return Math.min(now, last);
    last = now;
  }
}

function residentSize(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return Number(/^Rss:\s+(\d+) kB$/mu.exec(text)?.[1]) * 1024;
}

/** The clock tick of Linux is a hundredth of a second wherever Node runs. */
export function processorTime(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
