import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Status } from '@mcp-broker/daemon/protocol';
import { expect } from 'vitest';
import { expectSuccess, mcpCommand, type Home } from './home.ts';
import { parentOf, trackProcesses, type Started } from './started.ts';

const client = fileURLToPath(new URL('../fixtures/stdin-client.py', import.meta.url));

/** Ignores SIGTERM and the end of stdin, with a child in its group and one in a session of its own. */
export const stubborn = `trap '' TERM HUP INT
  sleep 300 & one=$!
  setsid sh -c 'sleep 300 & wait' & two=$!
  echo pids $$ $one $two
  while :; do sleep 0.05; done`;

/** Ends when it is asked to, but for what it started: the last has a session of its own, and no parents. */
export const gentle = `sleep 300 & one=$!
  setsid sh -c 'sleep 300 & echo $!' > "$HOME/$$"
  read two < "$HOME/$$"; rm "$HOME/$$"
  echo pids $$ $one $two
  exec cat`;

/** `node`: this process, by a socket; else a client of its own, which may be killed. */
export type Client = 'node' | 'pipe' | 'socket' | 'bun';

export interface Launched {
  readonly client: ChildProcess;
  readonly wrapper: number;
  /** Of the server and what it started. */
  readonly pids: readonly number[];
  /** The client, or with none of its own the wrapper, has ended. */
  readonly ended: Promise<readonly [code: number | null, signal: NodeJS.Signals | null]>;
  closeStdin(): void;
  /** Of the server, what it started, and the wrapper: those that still run. */
  living(): number[];
}

/** Words after `mcp exec`. */
export function launchOf(script: string): string[] {
  return ['--server', 'tree', '--env', 'TOKEN=$<TOKEN>', '--', 'sh', '-c', script];
}

/** Resolves once the server has named its processes; all go to `started` as well. */
export async function startLaunch(
  home: Home,
  script: string,
  kind: Client,
  started: Started,
): Promise<Launched> {
  const before = kind === 'node' ? [] : ['python3', client, kind, 'open'];
  const [command = '', ...args] = [...before, mcpCommand, 'exec', ...launchOf(script)];
  const child = spawn(command, args, { env: home.env, stdio: ['pipe', 'pipe', 'inherit'] });
  started.add(child.pid ?? 0);
  child.stdin.on('error', () => undefined);
  const ended = once(child, 'exit') as unknown as Launched['ended'];
  let text = '';
  const named = new Promise<number[]>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const line = /^pids (.*)\n/mu.exec(text)?.[1];
      if (line !== undefined) resolve(line.split(' ').map(Number));
    });
    child.once('exit', () => {
      reject(new Error(`the server named no process: ${text}`));
    });
  });
  const pids = await named;
  const wrapper = kind === 'node' ? (child.pid ?? 0) : parentOf(pids[0] ?? 0);
  const own = trackProcesses();
  for (const each of [own, started]) each.add(...pids, wrapper);
  return {
    client: child,
    wrapper,
    pids,
    ended,
    closeStdin: () => (kind === 'node' ? child.stdin.end() : child.stdin.write('close\n')),
    living: own.living,
  };
}

export async function statusOf(home: Home): Promise<Status> {
  return JSON.parse(expectSuccess(await home.mcp(['status', '--json'])).stdout) as Status;
}

/** As the kernel's out-of-memory killer does. */
export async function killDaemon(home: Home): Promise<void> {
  const { pid } = await statusOf(home);
  const daemon = trackProcesses();
  daemon.add(pid);
  process.kill(pid, 'SIGKILL');
  await expect.poll(daemon.living, { timeout: 15_000 }).toEqual([]);
}

/** A daemon that starts anew does not know the passphrase. */
export async function unlock(home: Home): Promise<void> {
  expectSuccess(await home.mcp(['unlock', '--fd', '3'], { fd3: `${home.passphrase}\n` }));
}
