import { once } from 'node:events';
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { expectSuccess, mcpCommand } from '../kit/home.ts';
import { lacks, needs } from '../kit/needs.ts';
import type { RunOptions } from '../kit/run.ts';
import { trackProcesses } from '../kit/started.ts';
import { startUserManager, type UserManager } from '../kit/user-manager.ts';

// A real `systemd --user` of a user of its own, who has no rights but those of every user.
const socket = 'mcp-broker.socket';
const service = 'mcp-broker.service';
const within = { timeout: 20_000 };

let user: UserManager;

interface DaemonStatus {
  readonly running: boolean;
  readonly pid: number;
  readonly service?: { readonly manager: string; readonly current: boolean };
}

const mcp = async (...args: string[]): Promise<string> =>
  expectSuccess(await user.mcp(args)).stdout;
const daemonStatus = async (): Promise<DaemonStatus> =>
  JSON.parse((await user.mcp(['daemon', 'status', '--json'])).stdout) as DaemonStatus;
/** Shows the value, and runs until its input ends. */
const show = ['exec', '--env', 'TOKEN=$<TOKEN>', '--', '/bin/sh', '-c', 'printf %s "$TOKEN"; cat'];
const launch = (options?: RunOptions) => user.mcp(show, options);
const mainPid = (): Promise<string> => user.property(service, 'MainPID');
const starts = async (): Promise<number> => {
  const log = readFileSync(join(user.home.broker, 'audit', 'current.jsonl'), 'utf8');
  return log.split('\n').filter((line) => line.includes('"event":"start"')).length;
};

/** What lies below HOME, with the modes; not the broker's cache and logs, which grow with each use. */
function tree(): string[] {
  return readdirSync(user.home.folder, { recursive: true })
    .map(String)
    .filter((path) => !/^(?:run|node)\/|^\.mcp\/(?:cache|audit|run\/(?:daemon|start))/u.test(path))
    .map((path) => `${path} ${(lstatSync(join(user.home.folder, path)).mode & 0o7777).toString(8)}`)
    .sort();
}

/** What doctor finds of the service and its socket. */
async function findings(options?: RunOptions): Promise<string[]> {
  const { stdout } = await user.mcp(['doctor', '--json'], options);
  const { findings: found } = JSON.parse(stdout) as { findings: { id: string }[] };
  return found.map(({ id }) => id).filter((id) => /^(?:service|socket|daemon)-/u.test(id));
}

async function approve(): Promise<void> {
  expect((await launch()).code).toBe(77);
  const terminal = user.terminal(['approve']);
  const [, code] = await terminal.see(/[\r\n]code: (\w{4})\n[^]*approve: /u);
  terminal.type(`${code}\r`);
  expect((await terminal.ended).code).toBe(0);
}

describe.skipIf(lacks('linux', 'root', 'systemctl', 'unshare', 'nsenter', 'setpriv', 'python3'))(
  'the daemon as a service of systemd',
  () => {
    beforeAll(async () => {
      user = await startUserManager();
      expectSuccess(await user.mcp(['secret', 'set', 'TOKEN', '--stdin'], { input: 'the value' }));
      await approve();
      await mcp('daemon', 'stop');
    }, 120_000);
    afterAll(async () => {
      await user?.remove();
    }, 60_000);

    test('install takes the place of a daemon that runs, and clients change nothing', async () => {
      await mcp('daemon', 'start');
      const { pid } = await daemonStatus();
      expect(await mcp('daemon', 'install')).toMatch(
        /^mcp-broker\.socket is installed and active/u,
      );
      const status = await daemonStatus();
      expect(status).toMatchObject({
        running: true,
        service: { manager: 'running', current: true },
      });
      expect(status.pid).not.toBe(pid);
      expect(String(status.pid)).toBe(await mainPid());
      expect(await user.property(socket, 'UnitFileState')).toBe('enabled');
      const { stdout } = expectSuccess(await launch());
      expect(stdout).toBe('the value');
      for (const [path, mode] of [
        ['run', 0o700],
        ['run/broker.sock', 0o600],
        ['run/daemon.log', 0o600],
      ] as const) {
        expect(statSync(join(user.home.broker, path)).mode & 0o777, path).toBe(mode);
      }
    });

    test('a second install changes nothing', async () => {
      const files = [socket, service].map((name) => join(user.units, name));
      const times = files.map((file) => statSync(file, { bigint: true }).mtimeNs);
      const pid = await mainPid();
      const all = tree();
      expect(JSON.parse(await mcp('daemon', 'install', '--json'))).toMatchObject({
        changed: false,
      });
      expect(files.map((file) => statSync(file, { bigint: true }).mtimeNs)).toEqual(times);
      expect(tree()).toEqual(all);
      expect(await mainPid()).toBe(pid);
    });

    test('the daemon is kept to what it needs, and takes nothing of the socket along', async () => {
      const pid = await mainPid();
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      expect(status).toMatch(/^NoNewPrivs:\t1$/mu);
      // Filters of system calls are in force.
      expect(status).toMatch(/^Seccomp:\t2$/mu);
      const limits = readFileSync(`/proc/${pid}/limits`, 'utf8');
      expect(limits).toMatch(/^Max core file size +0 +0 /mu);
      // All that the user may have, and no more can be had.
      const [, soft, hard] = /^Max locked memory +(\S+) +(\S+)/mu.exec(limits) ?? [];
      expect(soft).toBe(hard);
      const own = readlinkSync(`/proc/self/ns/user`);
      expect(readlinkSync(`/proc/${pid}/ns/user`)).toBe(own);
      // The descriptor does not pass on to a child: O_CLOEXEC is set.
      const flags = /^flags:\t(\d+)$/mu.exec(readFileSync(`/proc/${pid}/fdinfo/3`, 'utf8'))?.[1];
      expect(Number.parseInt(flags ?? '0', 8) & 0o2000000).toBe(0o2000000);
      expect(await user.property(service, 'NRestarts')).toBe('0');
    });

    needs('dbus-daemon', 'gnome-keyring-daemon')(
      'the keychain of the session is within reach of the unit',
      async () => {
        const bus = `unix:path=${join(user.home.folder, 'run', 'test-bus')}`;
        const env = `DBUS_SESSION_BUS_ADDRESS=${bus}`;
        const runs = async (name: string, ...command: string[]): Promise<void> => {
          const options = ['--user', '--quiet', `--unit=${name}`, `--setenv=${env}`];
          expectSuccess(await user.run('systemd-run', [...options, '--', ...command]));
        };
        await runs('test-bus', 'dbus-daemon', '--session', '--nofork', `--address=${bus}`);
        const unlock = 'printf x | exec gnome-keyring-daemon --foreground --unlock -c secrets';
        await runs('test-keyring', 'sh', '-c', unlock);
        // As a desktop does; a daemon has it from its next start on.
        expectSuccess(await user.systemctl('set-environment', env));
        await mcp('daemon', 'restart');
        const set = ['secret', 'set', 'KEPT', '--stdin', '--backend', 'keychain'];
        const stored = async (): Promise<number> => (await user.mcp(set, { input: 'kept' })).code;
        await expect.poll(stored, within).toBe(0);
        expect(await mcp('secret', 'list', '--backend', 'keychain')).toContain('KEPT');
        expect(await daemonStatus()).toMatchObject({ service: { manager: 'running' } });
        await mcp('secret', 'rm', 'KEPT');
      },
    );

    test('A14: 20 launches at once at a socket that waits are all served, by one daemon', async () => {
      const { stdout, stderr } = expectSuccess(await user.mcp(['daemon', 'stop']));
      expect(stdout).toMatch(/^daemon stopped, pid \d+\n$/u);
      expect(stderr).toContain(`to stop that: systemctl --user stop ${socket}`);
      const waiting = await user.mcp(['daemon', 'status']);
      expect(waiting).toMatchObject({ code: 69 });
      expect(waiting.stdout).toContain('mcp-broker.socket, waits for the first use');
      expect((await user.mcp(['daemon', 'stop'])).stdout).toBe('daemon was not running\n');
      expect((await user.mcp(['daemon', 'run'])).stderr).toContain(
        `systemctl --user stop ${socket}`,
      );
      expect(await user.property(service, 'ActiveState')).toBe('inactive');
      const count = await starts();
      const all = await Promise.all(Array.from({ length: 20 }, () => launch()));
      expect(all).toEqual(all.map(() => ({ code: 0, stdout: 'the value', stderr: '' })));
      expect(await starts()).toBe(count + 1);
    });

    test('a daemon that is killed is back by itself, and knows of the server that runs', async () => {
      const server = user.start(mcpCommand, show, { keepInput: true });
      const ended = once(server, 'close');
      await once(server.stdout as Readable, 'data');
      const pid = await mainPid();
      process.kill(Number(pid), 'SIGKILL');
      await expect.poll(mainPid, within).not.toMatch(new RegExp(`^(?:0|${pid})$`, 'u'));
      await expect.poll(() => user.property(service, 'ActiveState'), within).toBe('active');
      expect(await user.property(service, 'NRestarts')).toBe('1');
      const launches = async (): Promise<unknown> =>
        (JSON.parse(await mcp('status', '--json')) as { launches: unknown }).launches;
      await expect.poll(launches, within).toHaveLength(1);
      server.stdin?.end();
      expect(await ended).toEqual([0, null]);
      expect(await launch()).toMatchObject({ code: 0, stdout: 'the value' });
    });

    test('restart makes a new one by the unit, and the log has both', async () => {
      const pid = await mainPid();
      expect(await mcp('daemon', 'restart')).toMatch(/^daemon started, pid \d+\n$/u);
      expect(await mainPid()).not.toBe(pid);
      expect(await daemonStatus()).toMatchObject({ service: { manager: 'running' } });
      expect(await mcp('daemon', 'logs')).toMatch(/(?:listening on .*\n[^]*){3}/u);
    });

    test('what keeps it from starting is told to who waits, and the socket goes on', async () => {
      const config = join(user.home.broker, 'config.yaml');
      const good = readFileSync(config);
      await mcp('daemon', 'stop');
      writeFileSync(config, 'settings: {what: 1}\n');
      const all = await Promise.all(Array.from({ length: 5 }, () => launch()));
      for (const { code, stderr } of all) {
        expect(stderr).toContain('config.yaml');
        expect(code).toBe(78);
      }
      writeFileSync(config, good);
      expect(await user.property(socket, 'ActiveState')).toBe('active');
      // The one that could not start answers for a moment longer.
      await expect.poll(async () => (await launch()).code, within).toBe(0);
      expect(await daemonStatus()).toMatchObject({ service: { manager: 'running' } });
    });

    test('a daemon of a first use makes way for the socket, once it is asked for there', async () => {
      expectSuccess(await user.systemctl('stop', socket));
      expect(await launch()).toMatchObject({ code: 0 });
      const { pid, service: own } = await daemonStatus();
      const first = trackProcesses();
      first.add(pid);
      expect(own).toMatchObject({ manager: 'stopped' });
      expect(await findings()).toEqual(['service-inactive']);
      expectSuccess(await user.systemctl('start', socket));
      expect(await launch()).toMatchObject({ code: 0, stdout: 'the value' });
      expect(first.living()).toEqual([]);
      const status = await daemonStatus();
      expect(String(status.pid)).toBe(await mainPid());
      expect(await user.property(service, 'NRestarts')).toBe('0');
    });

    test('a socket that was removed is told, and the next use does without the unit', async () => {
      await mcp('daemon', 'stop');
      rmSync(join(user.home.broker, 'run', 'broker.sock'));
      expect(await launch()).toMatchObject({ code: 0, stdout: 'the value' });
      const status = await daemonStatus();
      expect(status).toMatchObject({ running: true, service: { manager: 'astray' } });
      expect(await findings()).toEqual(['service-astray']);
      expectSuccess(await user.systemctl('restart', socket));
      expect(await launch()).toMatchObject({ code: 0, stdout: 'the value' });
      expect(String((await daemonStatus()).pid)).toBe(await mainPid());
      expect(await findings()).toEqual([]);
    });

    test('doctor starts no daemon, and takes a socket that waits for no wreck', async () => {
      await mcp('daemon', 'stop');
      expect(await findings()).toEqual([]);
      expect(await user.property(service, 'ActiveState')).toBe('inactive');
    });

    test('a unit of another Node is told, and install writes it anew', async () => {
      const other = join(user.home.folder, 'node', 'other');
      mkdirSync(other);
      linkSync(join(user.home.folder, 'node', 'bin', 'node'), join(other, 'node'));
      const env = { PATH: `${other}:/usr/bin:/bin` };
      expect(await findings({ env })).toEqual(['service-outdated']);
      expectSuccess(await user.mcp(['daemon', 'install'], { env }));
      expect(await findings({ env })).toEqual([]);
      expect(await user.property(service, 'ExecStart')).toContain(other);
      await mcp('daemon', 'install');
      expect(await findings()).toEqual([]);
    });

    test('a Node that has gone is told, and the next use does without the unit', async () => {
      const file = join(user.units, service);
      const text = readFileSync(file, 'utf8');
      await mcp('daemon', 'stop');
      writeFileSync(file, text.replaceAll('/node/bin/node', '/node/bin/gone'));
      expectSuccess(await user.systemctl('daemon-reload'));
      const { stdout, stderr } = await user.mcp(['daemon', 'status']);
      expect(stderr).toContain('/node/bin/gone, which is no longer there (mcp daemon install)');
      expect(stdout).toContain('changed by hand');
      expect(await findings()).toEqual(['service-gone']);
      const first = await launch();
      expect(first.code).toBe(69);
      await expect.poll(() => user.property(socket, 'ActiveState'), within).toBe('failed');
      expect(await launch()).toMatchObject({ code: 0, stdout: 'the value' });
      writeFileSync(file, text);
      expect(await mcp('daemon', 'install')).toContain('is installed and active');
      expect(await launch()).toMatchObject({ code: 0, stdout: 'the value' });
      expect(String((await daemonStatus()).pid)).toBe(await mainPid());
    });

    test('uninstall leaves what others wrote, and names it', async () => {
      const folder = join(user.units, `${service}.d`);
      mkdirSync(folder);
      const { stderr } = expectSuccess(await user.mcp(['daemon', 'uninstall']));
      expect(stderr).toContain(`left, since mcp daemon install did not write it: ${folder}`);
      expectSuccess(await user.run('rm', ['-r', join(user.home.folder, '.config')]));
    });

    test('uninstall leaves everything as it was, and the daemon starts on first use', async () => {
      const before = tree();
      await mcp('daemon', 'install');
      expect(tree()).not.toEqual(before);
      expect(await mcp('daemon', 'uninstall')).toBe('mcp-broker.socket is removed\n');
      expect(tree()).toEqual(before);
      expect(await user.property(socket, 'LoadState')).toBe('not-found');
      expect(await mcp('daemon', 'uninstall')).toBe('mcp-broker.socket was not installed\n');
      expect(await launch()).toMatchObject({ code: 0, stdout: 'the value' });
      expect(await daemonStatus()).not.toHaveProperty('service');
      await mcp('daemon', 'stop');
    });

    test('a home of an odd name has units of its own', async () => {
      const home = join(user.home.folder, `a b%n$HOME'"\\c;é`);
      const given = ['--home', home];
      const identity = ['--identity-file', join(user.home.folder, 'identity')];
      expectSuccess(await user.mcp([...given, 'init', '--yes', ...identity]));
      expectSuccess(await user.mcp([...given, 'daemon', 'install']));
      const status = JSON.parse(
        expectSuccess(await user.mcp([...given, 'daemon', 'status', '--json'])).stdout,
      ) as { pid: number; home: string; service: { name: string; manager: string } };
      expect(status).toMatchObject({ home, service: { manager: 'running' } });
      expect(status.service.name).toMatch(/^mcp-broker-[0-9a-f]{12}\.socket$/u);
      const own = status.service.name.replace('.socket', '.service');
      expect(await user.property(own, 'MainPID')).toBe(String(status.pid));
      // Its socket does not bring back a home that is gone.
      expectSuccess(await user.mcp([...given, 'daemon', 'stop']));
      rmSync(home, { recursive: true });
      expectSuccess(await user.systemctl('restart', status.service.name));
      expect(existsSync(home)).toBe(false);
      expectSuccess(await user.mcp([...given, 'daemon', 'uninstall']));
      expect(existsSync(home)).toBe(false);
    });
  },
);
