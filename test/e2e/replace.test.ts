import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { auditLines, createHome, mcpCommand, type Home } from '../kit/home.ts';
import { lacks, needs } from '../kit/needs.ts';
import { countInMemory } from '../kit/process-memory.ts';
import { startPty } from '../kit/pty.ts';
import { run } from '../kit/run.ts';

// `mcp exec --replace` with the real daemon: the server has our place, and nobody stays beside it.

const token = `tok-${randomBytes(12).toString('hex')}`;
const entry = ['--env', 'TOKEN=$<TOKEN>'];
const long = { timeout: 15_000 };
/** An ELF program that stays until its stdin ends. */
const cat = ['--', 'cat'];

interface Status {
  readonly pid: number;
  readonly launches: readonly Readonly<Record<string, unknown>>[];
}

let home: Home;
const started = new Set<ChildProcess>();

beforeAll(async () => {
  home = await createHome({ kind: 'sealed' });
  await home.set('TOKEN', token);
  await home.approve([...entry, ...cat]);
}, 60_000);
afterAll(async () => {
  await home.remove();
});
afterEach(async () => {
  for (const child of started) {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
  started.clear();
});

/** `cat` that runs, and is no longer our command. */
async function replaced(args: readonly string[]): Promise<Running> {
  const child = spawn(mcpCommand, ['exec', '--replace', ...args], {
    env: home.env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  started.add(child);
  const pid = child.pid ?? 0;
  await expect.poll(() => readFileSync(`/proc/${pid}/cmdline`, 'latin1'), long).toBe('cat\0');
  return { child, pid, ended: once(child, 'exit') };
}

interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly ended: Promise<unknown>;
}

const exe = (pid: number): string => `/proc/${pid}/exe`;

async function status(): Promise<Status> {
  return JSON.parse((await home.mcp(['status', '--json'])).stdout) as Status;
}

const launches = async (): Promise<Status['launches']> => (await status()).launches;

async function exitLine(launch: unknown): Promise<Record<string, unknown>> {
  const find = async (): Promise<Record<string, unknown> | undefined> =>
    (await auditLines(home)).find((line) => line['event'] === 'exit' && line['launch'] === launch);
  await expect.poll(find, long).toBeDefined();
  return (await find()) ?? {};
}

const lives = (pid: number): boolean => {
  try {
    return !/\) [ZX] /u.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
};

const childrenOf = (pid: number): string =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1');

async function killDaemon(): Promise<void> {
  const { pid } = await status();
  process.kill(pid, 'SIGKILL');
  await expect.poll(() => lives(pid), long).toBe(false);
}

async function startDaemon(): Promise<void> {
  expect(await home.mcp(['daemon', 'start'])).toMatchObject({ code: 0 });
}

async function unlock(): Promise<void> {
  const ended = await home.mcp(['unlock', '--fd', '3'], { fd3: `${home.passphrase}\n` });
  expect(ended).toMatchObject({ code: 0 });
}

describe.skipIf(lacks('linux'))('mcp exec --replace', () => {
  test('is the server: our pid, its program, one thread, and no memory of Node', async () => {
    const { pid } = await replaced([...entry, ...cat]);
    expect(readlinkSync(exe(pid))).toMatch(/\/(?:cat|coreutils|busybox)$/u);
    expect(readdirSync(`/proc/${pid}/task`)).toEqual([String(pid)]);
    expect(readFileSync(`/proc/${pid}/maps`, 'latin1')).not.toMatch(/node|koffi/u);
    expect(childrenOf(pid)).toBe('');
    // By the descriptor that was compared, and not by its path.
    expect(readFileSync(`/proc/${pid}/comm`, 'latin1')).toMatch(/^\d+\n$/u);
  });

  needs('root')('leaves the value in the environment of the server and nowhere else', async () => {
    const { pid } = await replaced([...entry, ...cat]);
    expect(await countInMemory(pid, Buffer.from(token))).toBe(1);
    expect(readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0')).toContain(`TOKEN=${token}`);
    expect(readFileSync(`/proc/${pid}/cmdline`, 'latin1')).not.toContain(token);
  });

  test('is known until it ends, and its end is written down without an exit code', async () => {
    const { child, pid, ended } = await replaced(['--server', 'cat', ...entry, ...cat]);
    const [running, ...others] = await launches();
    expect(others).toEqual([]);
    expect(running).toEqual({
      launch: expect.stringMatching(/^[0-9a-f]{16}$/u) as string,
      server: 'cat',
      variables: ['TOKEN'],
      since: expect.any(String) as string,
      client: 'mcp exec',
      parent: { pid: process.pid, name: expect.any(String) as string },
      pid,
      replaced: true,
    });
    expect((await home.mcp(['status'])).stdout).toMatch(
      new RegExp(` ${pid} \\(replaced\\) .* cat +TOKEN\n`, 'u'),
    );
    child.stdin?.end();
    expect(await ended).toEqual([0, null]);
    expect(await launches()).toEqual([]);
    const line = await exitLine(running?.['launch']);
    expect(line).toMatchObject({ outcome: 'allowed', server: 'cat', variables: ['TOKEN'], pid });
    expect(line).not.toHaveProperty('exit');
  });

  test('is followed by a daemon that was killed and started anew', async () => {
    const { child, ended } = await replaced([...entry, ...cat]);
    const before = await launches();
    expect(before).toHaveLength(1);
    await killDaemon();
    await startDaemon();
    expect(await launches()).toEqual(before);
    child.stdin?.end();
    await ended;
    expect(await launches()).toEqual([]);
    await exitLine(before[0]?.['launch']);
    await unlock();
  });

  test('has an end that is found out also when it came while no daemon ran', async () => {
    const { child, ended } = await replaced([...entry, ...cat]);
    const [running] = await launches();
    await killDaemon();
    child.kill('SIGKILL');
    await ended;
    await startDaemon();
    expect(await exitLine(running?.['launch'])).toMatchObject({ outcome: 'allowed' });
    expect(await launches()).toEqual([]);
    await unlock();
  });

  needs('setsid')('what it leaves is not ended: the rules of a wrapper are not its', async () => {
    const script = 'setsid sleep 300 & echo $!; exec cat';
    const args = [...entry, '--', 'sh', '-c', script];
    await home.approve(args);
    const child = spawn(mcpCommand, ['exec', '--replace', ...args], {
      env: home.env,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    started.add(child);
    const [text] = (await once(child.stdout, 'data')) as [Buffer];
    const left = Number(text.toString());
    const [running] = await launches();
    child.kill('SIGKILL');
    await once(child, 'exit');
    try {
      await exitLine(running?.['launch']);
      expect(lives(left)).toBe(true);
    } finally {
      process.kill(left, 'SIGKILL');
    }
  });

  test('starts a daemon that is no child of the server', async () => {
    const file = join(home.folder, 'plain.json');
    writeFileSync(file, JSON.stringify({ mcpServers: { cat: { command: 'cat' } } }));
    expect(await home.mcp(['daemon', 'stop'])).toMatchObject({ code: 0 });
    const { pid } = await replaced(['--from', file, 'cat']);
    expect(childrenOf(pid)).toBe('');
    // Nothing of ours was given: there is nothing to follow.
    expect(await launches()).toEqual([]);
    await unlock();
  });
});

describe('a server of a file', () => {
  test('is replaced as well, in its folder, with values and without', async () => {
    const file = join(home.folder, 'clients.json');
    const show = (env: object, more: object = {}): object => ({
      command: 'sh',
      args: ['-c', 'pwd; echo "$TOKEN"'],
      env,
      ...more,
    });
    writeFileSync(
      file,
      JSON.stringify({
        mcpServers: {
          valued: show({ TOKEN: '$<TOKEN>' }, { cwd: '/usr' }),
          plain: show({ TOKEN: 'plain' }, { cwd: '/usr' }),
        },
      }),
    );
    const from = ['--from', file];
    await home.approve([...from, 'valued']);
    for (const flags of [[], ['--replace']]) {
      const exec = (name: string): ReturnType<Home['mcp']> =>
        home.mcp(['exec', ...flags, ...from, name]);
      expect(await exec('valued')).toEqual({ code: 0, stdout: `/usr\n${token}\n`, stderr: '' });
      expect(await exec('plain')).toEqual({ code: 0, stdout: '/usr\nplain\n', stderr: '' });
    }
  });
});

describe.skipIf(lacks('linux'))('what the server can see of how it was started', () => {
  /** A client with ways of its own: what it gives to its children is to arrive. */
  const client = `umask 027; ulimit -S -n 300; trap '' HUP USR2; cd /usr; exec nice -n 3 "$@"`;
  const looks: readonly (readonly [what: string, ...command: string[]])[] = [
    [
      'signals, masks, groups and rights',
      'grep',
      '-vE',
      '^(Name|Pid|Tgid|NStgid|NSpid|Vm|Rss|voluntary|nonvol|Hugetlb|SigQ|x86_Th|Mems|Cpus|THP)',
      '/proc/self/status',
    ],
    ['limits', 'cat', '/proc/self/limits'],
    [
      'descriptors',
      'sh',
      '-c',
      'for fd in /proc/$$/fd/*; do readlink "$fd" >/dev/null && echo "${fd##*/}"; done; true',
    ],
    [
      'flags of its streams',
      'sh',
      '-c',
      'for fd in 0 1 2; do grep flags /proc/$$/fdinfo/$fd; done',
    ],
    ['parent, group, session, terminal', 'sh', '-c', 'cut -d " " -f 4-8 /proc/$$/stat'],
    ['folder, mask and priority', 'sh', '-c', 'pwd; umask; nice'],
    ['its own name', 'sh', '-c', 'tr "\\0" " " </proc/$$/cmdline'],
  ];

  test.each(looks)('%s: as without us', async (_what, ...command) => {
    await home.approve([...entry, '--', ...command], { cwd: '/usr' });
    const see = (...start: readonly string[]): ReturnType<typeof run> =>
      run('sh', ['-c', client, 'sh', ...start, ...command], { env: { ...home.env, TOKEN: token } });
    const without = await see();
    expect(without).toMatchObject({ code: 0, stderr: '' });
    expect(without.stdout).not.toBe('');
    expect(await see(mcpCommand, 'exec', '--replace', '--')).toEqual(without);
    const valued = await see(mcpCommand, 'exec', '--replace', ...entry, '--');
    expect(valued).toEqual(without);
  });

  needs('python3', 'stty')('a terminal: its modes are untouched, and it is in front', async () => {
    const look = `stty -a; set -- $(cut -d ' ' -f 5,8 /proc/$$/stat)
      [ "$1" = "$2" ] && echo in front; exec sleep 100`;
    const command = ['sh', '-c', look];
    await home.approve([...entry, '--', ...command]);
    const shown = async (start: readonly string[]): Promise<string> => {
      const [file = '', ...args] = [...start, ...command];
      const terminal = startPty(file, args, { env: { ...home.env, TOKEN: token } });
      await terminal.see(/in front\n/u);
      terminal.type('\u0003');
      const { code, shown: text, restored } = await terminal.ended;
      return `${text} ${code} ${restored}`;
    };
    const without = await shown([]);
    expect(await shown([mcpCommand, 'exec', '--replace', ...entry, '--'])).toBe(without);
  });
});

test('a signal while it waits for approval ends it as any program', async () => {
  const args = ['exec', '--replace', '--wait-approval', '1h', ...entry, '--', 'echo', 'waits'];
  const child = spawn(mcpCommand, args, { env: home.env, stdio: ['ignore', 'ignore', 'pipe'] });
  started.add(child);
  await once(child.stderr, 'data');
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([null, 'SIGTERM']);
});
