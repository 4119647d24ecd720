import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as after } from 'node:timers/promises';
import { createHome, expectSuccess, mcpCommand } from '../kit/home.ts';
import { table } from './measure.ts';
import { idle } from './programs.ts';

const reference = { TOKEN: '$<TOKEN>' };

/**
 * Memory of what stays: the daemon and the wrapper, beside a Node that does nothing. What is shared with
 * other processes, such as Node's own file, is resident in each, and counted once among them by the second
 * figure (PSS). Linux alone.
 */
export async function memory(): Promise<string> {
  const home = await createHome({ kind: 'sealed' });
  const children: ChildProcess[] = [];
  const start = async (
    command: string,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    stdin: 'pipe' | 'ignore' = 'pipe',
  ): Promise<number> => {
    const child = spawn(command, args, { env, stdio: [stdin, 'pipe', 'inherit'] });
    children.push(child);
    await once(child.stdout ?? child, 'data');
    return child.pid ?? -1;
  };
  try {
    const bare = await start(process.execPath, ['-e', idle], home.env);

    expectSuccess(await home.mcp(['daemon', 'restart']));
    const daemon = await daemonPid();
    const afterStart = memoryOf(daemon);
    expectSuccess(await home.mcp(['unlock', '--fd', '3'], { fd3: `${home.passphrase}\n` }));
    await home.set('TOKEN', 'x'.repeat(40));

    const server = ['--', 'sh', '-c', 'echo ready; exec sleep 600'];
    await home.approve(server, { env: reference });
    const env = { ...home.env, ...reference };
    const ofNobody = await start(mcpCommand, ['exec', ...server], env, 'ignore');
    const ofClient = await start(mcpCommand, ['exec', ...server], env);
    await loaded(ofClient, 'koffi.node');
    const alone = await start('sh', server.slice(2), home.env);
    const replaced = await start(mcpCommand, ['exec', '--replace', ...server], env);
    const processes = [replaced, alone].map((pid) => processesOf(pid));
    if (processes.some((count) => count !== 1)) throw new Error('a wrapper is left');

    const base = memoryOf(bare);
    const row = (name: string, { resident, proportional }: Memory): string[] => [
      name,
      megabytes(resident),
      `${(resident / base.resident).toFixed(2)} ×`,
      megabytes(proportional),
      `${(proportional / base.proportional).toFixed(2)} ×`,
    ];
    return table([
      ['', 'resident', 'ratio', 'proportional', 'ratio'],
      row('node, idle', base),
      row('daemon, after start', afterStart),
      row('daemon, unlocked, two launches', memoryOf(daemon)),
      row('mcp exec, its server runs', memoryOf(ofNobody)),
      row('mcp exec, its server runs, under a client', memoryOf(ofClient)),
      row('a server: sleep', memoryOf(alone)),
      row('mcp exec --replace: sleep, and no wrapper', memoryOf(replaced)),
    ]);
  } finally {
    for (const child of children) child.kill();
    await home.remove();
  }

  async function daemonPid(): Promise<number> {
    const { stdout } = expectSuccess(await home.mcp(['status', '--json']));
    return (JSON.parse(stdout) as { pid: number }).pid;
  }
}

interface Memory {
  /** Bytes. */
  readonly resident: number;
  readonly proportional: number;
}

function memoryOf(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const bytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'mu').exec(text)?.[1]) * 1024;
  return { resident: bytes('Rss'), proportional: bytes('Pss') };
}

/** Itself, and what it has started. */
function processesOf(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return 1 + children.split(' ').filter((child) => child !== '').length;
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MB`;
}

/** What a wrapper loads once its server runs. */
async function loaded(pid: number, library: string): Promise<void> {
  const end = performance.now() + 10_000;
  while (!readFileSync(`/proc/${pid}/maps`, 'utf8').includes(library)) {
    if (performance.now() > end) throw new Error(`${library} was not loaded within 10 s`);
    await after(50);
  }
}
