import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateX25519Identity } from 'age-encryption';
import { vi } from 'vitest';

import { createHome, expectSuccess, mcpCommand, type Home } from './home.ts';
import { startPty, type Pty } from './pty.ts';
import { run, start, type Ended, type RunOptions } from './run.ts';

/** A user without rights, whom every machine knows: a session bus looks its users up. */
const uid = 65_534;
const script = fileURLToPath(new URL('../fixtures/user-manager.sh', import.meta.url));
const groups = '/sys/fs/cgroup';

/** The systemd of a user who has logged in, with a home of the broker. */
export interface UserManager {
  readonly home: Home;
  /** Where the user's units lie. */
  readonly units: string;
  /** A program of the user, with the manager in reach. */
  run(command: string, args: readonly string[], options?: RunOptions): Promise<Ended>;
  mcp(args: readonly string[], options?: RunOptions): Promise<Ended>;
  /** The command on a terminal of its own. */
  terminal(args: readonly string[]): Pty;
  /** Starts a program of the user. */
  start(command: string, args: readonly string[], options?: RunOptions): ChildProcess;
  systemctl(...args: readonly string[]): Promise<Ended>;
  /** A property of a unit. */
  property(unit: string, name: string): Promise<string>;
  remove(): Promise<void>;
}

/**
 * Starts `systemd --user` for a user of its own. It insists on a machine that was booted with systemd: in a
 * mount namespace of its own it sees a /run that says so. Throws when it does not come up.
 */
export async function startUserManager(): Promise<UserManager> {
  const home = await createHome({ kind: 'empty', owner: uid });
  const runtime = join(home.folder, 'run');
  mkdirSync(runtime, { mode: 0o700 });
  chownSync(runtime, uid, uid);
  const group = `mcp-test-${process.pid}-${Date.now()}`;
  const env = { ...home.env, XDG_RUNTIME_DIR: runtime, LC_ALL: 'C' };
  const manager = spawn(
    'unshare',
    ['--mount', '--propagation', 'private', 'sh', script, group, String(uid)],
    { env, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  manager.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const within = (): string[] => [
    `--mount=/proc/${manager.pid}/ns/mnt`,
    `--wd=${home.folder}`,
    '--',
    ...asUser,
  ];
  const user = (command: string, args: readonly string[], options: RunOptions = {}) =>
    run('nsenter', [...within(), command, ...args], {
      ...options,
      env: { ...env, ...options.env },
    });
  const systemctl = (...args: readonly string[]): Promise<Ended> =>
    user('systemctl', ['--user', '--no-pager', ...args]);
  const remove = async (): Promise<void> => {
    await stop(manager);
    await removeGroup(group);
    rmSync(home.folder, { recursive: true, force: true });
  };
  try {
    await vi.waitUntil(
      async () => {
        if (manager.exitCode !== null) throw new Error(`systemd --user has ended: ${said}`);
        if (!existsSync(join(runtime, 'systemd', 'private'))) return false;
        return (await systemctl('is-active', 'sockets.target')).code === 0;
      },
      { timeout: 30_000, interval: 50 },
    );
    const identity = join(home.folder, 'identity');
    writeFileSync(identity, `${await generateX25519Identity()}\n`, { mode: 0o600 });
    chownSync(identity, uid, uid);
    expectSuccess(await user(mcpCommand, ['init', '--yes', '--identity-file', identity]));
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    home,
    units: join(home.folder, '.config', 'systemd', 'user'),
    run: user,
    mcp: (args, options) => user(mcpCommand, args, options),
    terminal: (args) => startPty('nsenter', [...within(), mcpCommand, ...args], { env }),
    start: (command, args, options = {}) =>
      start('nsenter', [...within(), command, ...args], { ...options, env }),
    systemctl,
    property: async (unit, name) =>
      (await systemctl('show', '-p', name, '--value', unit)).stdout.trim(),
    remove,
  };
}

const asUser = ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--'];

async function stop(manager: ChildProcess): Promise<void> {
  if (manager.exitCode !== null || manager.signalCode !== null) return;
  const ended = once(manager, 'exit');
  // It ends its units first.
  manager.kill('SIGTERM');
  const timer = setTimeout(() => manager.kill('SIGKILL'), 20_000);
  await ended;
  clearTimeout(timer);
}

/** In each hierarchy: what is left there is a process that the manager did not end. */
async function removeGroup(name: string): Promise<void> {
  for (const hierarchy of ['', 'systemd', 'unified']) {
    const folder = join(groups, hierarchy, name);
    await vi.waitUntil(
      () => {
        try {
          if (existsSync(folder)) removeFolders(folder);
          return true;
        } catch {
          return false;
        }
      },
      { timeout: 10_000 },
    );
  }
}

function removeFolders(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeFolders(join(folder, entry.name));
  }
  rmdirSync(folder);
}
