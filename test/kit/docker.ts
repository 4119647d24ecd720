import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run, type Ended } from './run.ts';

/** A Docker engine of the test's own: its socket, its data and what runs in it lie in one folder. */
export interface Docker {
  /** The `docker` command on this engine. */
  docker(...args: readonly string[]): Promise<Ended>;
  /** Starts a container that waits, with the programs of this machine, read-only; gives its id. */
  startContainer(options: ContainerOptions): Promise<string>;
  stop(): Promise<void>;
}

export interface ContainerOptions {
  /** Folders and files of this machine, at the same place. */
  readonly mounts: readonly string[];
  readonly uid: number;
}

/** Needs root. Throws with the engine's own last words where it cannot run. */
export async function startDocker(): Promise<Docker> {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-docker-'));
  const socket = `unix://${join(folder, 'docker.sock')}`;
  const engine = spawn(
    'dockerd',
    [
      `--host=${socket}`,
      `--data-root=${join(folder, 'data')}`,
      `--exec-root=${join(folder, 'exec')}`,
      `--pidfile=${join(folder, 'pid')}`,
      '--iptables=false',
      '--ip6tables=false',
      '--bridge=none',
      '--storage-driver=vfs',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let log = '';
  engine.stderr.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-4096)));
  const ended = once(engine, 'close').catch(() => undefined);

  const docker: Docker['docker'] = (...args) =>
    run('docker', ['-H', socket, ...args], { env: { PATH: process.env['PATH'], HOME: folder } });
  const succeed = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await docker(...args);
    if (code !== 0) throw new Error(`docker ${args[0] ?? ''}: ${stderr.trim()}`);
    return stdout.trim();
  };
  const stop: Docker['stop'] = async () => {
    const containers = await docker('ps', '-aq');
    const ids = containers.stdout.split('\n').filter((id) => id !== '');
    if (ids.length > 0) await docker('rm', '-f', ...ids);
    engine.kill();
    await ended;
    await rm(folder, { recursive: true, force: true });
  };

  try {
    const deadline = Date.now() + 60_000;
    while ((await docker('version')).code !== 0) {
      if (engine.exitCode !== null || engine.pid === undefined || Date.now() > deadline) {
        throw new Error(`dockerd does not run here: ${lastError(log)}`);
      }
      await sleep(100);
    }
    const root = join(folder, 'root');
    await mkdir(root);
    await succeed('import', await archive(folder, root), 'empty');
  } catch (error) {
    await stop();
    throw error;
  }

  return {
    docker,
    stop,
    startContainer: ({ mounts, uid }) =>
      succeed(
        'run',
        '--detach',
        '--network=none',
        `--user=${uid}:${uid}`,
        ...['/usr', '/bin', '/lib', '/lib64'].map((path) => `--volume=${path}:${path}:ro`),
        ...mounts.map((path) => `--volume=${path}:${path}`),
        'empty',
        '/bin/sleep',
        '600',
      ),
  };
}

async function archive(folder: string, root: string): Promise<string> {
  const file = join(folder, 'root.tar');
  const { code, stderr } = await run('tar', ['-C', root, '-cf', file, '.']);
  if (code !== 0) throw new Error(`tar: ${stderr}`);
  return file;
}

function lastError(log: string): string {
  const lines = log.trimEnd().split('\n');
  const failed = lines.findLast((line) => /level=(error|fatal)|failed/u.test(line));
  return (failed ?? lines.at(-1) ?? '').replace(/^time=\S+ /u, '');
}
