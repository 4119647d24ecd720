import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createHome, expectSuccess, mcpCommand } from '../kit/home.ts';
import { table } from './measure.ts';
import { idle } from './programs.ts';

/** Resident memory of what stays: the daemon and the wrapper, beside a Node that does nothing. */
export async function memory(): Promise<string> {
  const home = await createHome({ kind: 'sealed' });
  const children: ChildProcess[] = [];
  const start = async (
    command: string,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
  ): Promise<number> => {
    const child = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
    children.push(child);
    await once(child.stdout, 'data');
    return child.pid ?? -1;
  };
  try {
    const bare = await start(process.execPath, ['-e', idle], home.env);

    expectSuccess(await home.mcp(['daemon', 'restart']));
    const daemon = await daemonPid();
    const afterStart = resident(daemon);
    expectSuccess(await home.mcp(['unlock', '--fd', '3'], { fd3: `${home.passphrase}\n` }));
    await home.set('TOKEN', 'x'.repeat(40));

    const server = ['--', 'sh', '-c', 'echo ready; exec cat'];
    const reference = { TOKEN: '$<TOKEN>' };
    await home.approve(server, { env: reference });
    const wrapper = await start(mcpCommand, ['exec', ...server], { ...home.env, ...reference });

    const base = resident(bare);
    const row = (name: string, bytes: number): string[] => [
      name,
      `${(bytes / 2 ** 20).toFixed(1)} MB`,
      `${(bytes / base).toFixed(2)} ×`,
    ];
    return table([
      ['', 'resident', 'ratio'],
      row('node, idle', base),
      row('daemon, after start', afterStart),
      row('daemon, unlocked, one launch', resident(daemon)),
      row('mcp exec, while its server runs', resident(wrapper)),
    ]);
  } finally {
    for (const child of children) child.stdin?.end();
    await home.remove();
  }

  async function daemonPid(): Promise<number> {
    const { stdout } = expectSuccess(await home.mcp(['status', '--json']));
    return (JSON.parse(stdout) as { pid: number }).pid;
  }
}

function resident(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/mu.exec(status)?.[1]) * 1024;
}
