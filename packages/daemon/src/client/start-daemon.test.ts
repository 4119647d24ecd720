import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { connect, locatePaths, type DaemonProgram, type Paths } from './index.ts';
import { temporaryHome } from '../listener/fixture.ts';
import { readStat } from '../platform/proc.ts';
import { tryStartLock } from './start-lock.ts';

const fixtures = new URL('../../../../test/fixtures/', import.meta.url);
const start: DaemonProgram = {
  main: () => fileURLToPath(new URL('tiny-daemon.ts', fixtures)),
  execArgv: ['--conditions=dev'],
};

let home: ReturnType<typeof temporaryHome>;
let paths: Paths;

beforeEach(() => {
  home = temporaryHome();
  ({ paths } = home);
});
afterEach(async () => {
  for (const pid of starts()) {
    if (readStat(pid) !== undefined) process.kill(pid, 'SIGKILL');
    await vi.waitUntil(() => readStat(pid) === undefined);
  }
  home.remove();
});

/** Pids of the daemons that were started, living or not. */
function starts(): number[] {
  const file = join(paths.home, 'starts');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(Number) : [];
}

async function use(): Promise<void> {
  const client = await connect(paths, { start });
  await client.call('secret.show', { name: 'A' });
  client.close();
}

test('a first use starts the daemon, and the second finds it', async () => {
  await use();
  await use();
  expect(starts()).toHaveLength(1);
  expect(readdirSync(paths.run).sort()).toEqual(['broker.sock', 'daemon.lock', 'daemon.log']);
  expect(lstatSync(paths.run).mode & 0o777).toBe(0o700);
  expect(lstatSync(paths.log).mode & 0o777).toBe(0o600);
  expect(readFileSync(paths.log, 'utf8')).toContain('the tiny daemon starts\n');
});

test.runIf(process.platform === 'linux')(
  'the daemon stands alone, and takes little from who started it',
  async () => {
    process.env['CANARY_TOKEN'] = 'hunter2';
    await use();
    delete process.env['CANARY_TOKEN'];
    const [pid = 0] = starts();
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    expect(environment).toContain('PATH=/usr/local/bin:/usr/bin:/bin');
    expect(environment.join()).not.toContain('hunter2');
    expect(environment.join()).not.toContain('VITEST');
    expect(readlinkSync(`/proc/${pid}/cwd`)).toBe('/');
    expect(readlinkSync(`/proc/${pid}/fd/0`)).toBe('/dev/null');
    expect(readlinkSync(`/proc/${pid}/fd/1`)).toBe(paths.log);
    expect(readlinkSync(`/proc/${pid}/fd/2`)).toBe(paths.log);
    // A session of its own: what ends our terminal or process group does not end it. And no child of ours:
    // what ends a launch and all that descends from it does not either.
    const { parent, session } = readStat(pid) ?? {};
    expect(session).not.toBe(readStat(process.pid)?.session);
    expect(session).not.toBe(process.pid);
    expect(parent).not.toBe(process.pid);
    expect(readStat(session ?? 0)).toBeUndefined();
    const commandLine = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    expect(commandLine).toContain('--disable-sigusr1');
    expect(commandLine).toContain('--report-exclude-env');
    expect(commandLine).toContain('--disallow-code-generation-from-strings');
    expect(commandLine).toContain('--disable-proto=delete');
  },
);

test('another environment is told its config', async () => {
  paths = locatePaths({ home: paths.home, config: join(paths.home, 'other.yaml') });
  await use();
  const [pid = 0] = starts();
  expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).toContain(`--config\0${paths.config}`);
  expect(existsSync(paths.socket)).toBe(true);
});

test('200 first uses at once, from 20 processes, end with one daemon and are all served', async () => {
  const file = fileURLToPath(new URL('first-use.ts', fixtures));
  const clients = Array.from({ length: 20 }, async () => {
    const child = spawn(process.execPath, ['--conditions=dev', file, paths.home, '10'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += String(chunk);
    });
    await once(child, 'close');
    return Number(output);
  });
  expect(await Promise.all(clients)).toEqual(Array.from({ length: 20 }, () => 10));
  await expect.poll(() => starts().filter((pid) => readStat(pid) !== undefined)).toHaveLength(1);
  expect(readdirSync(paths.run).sort()).toEqual(['broker.sock', 'daemon.lock', 'daemon.log']);
}, 60_000);

test('a daemon that was killed is followed by another', async () => {
  await use();
  const [first = 0] = starts();
  process.kill(first, 'SIGKILL');
  // Not just dead: its threads keep the socket open until the last of them has ended.
  const threads = (): number =>
    existsSync(`/proc/${first}`) ? readdirSync(`/proc/${first}/task`).length : 0;
  await expect.poll(() => readStat(first) === undefined && threads() <= 1).toBe(true);
  await use();
  expect(starts()).toHaveLength(2);
});

test('what keeps the daemon from starting is told as it told it', async () => {
  writeFileSync(join(paths.home, 'mode'), 'refuse');
  await expect(use()).rejects.toMatchObject({
    name: 'BrokerError',
    code: 'ERR_CONFIG',
    message: 'line 3 is wrong',
    hint: 'mcp config check',
  });
  expect(existsSync(join(paths.run, 'start.lock'))).toBe(false);
});

test.each(['die', 'babble'])(
  'a daemon that may %s is an error that names its log',
  async (mode) => {
    writeFileSync(join(paths.home, 'mode'), mode);
    await expect(use()).rejects.toMatchObject({
      code: 'ERR_DAEMON_UNREACHABLE',
      hint: expect.stringContaining(paths.log) as string,
    });
  },
);

test('a home that is not there is not made', async () => {
  rmSync(paths.home, { recursive: true });
  await expect(use()).rejects.toMatchObject({ code: 'ERR_NO_HOME', hint: 'mcp init' });
  expect(existsSync(paths.home)).toBe(false);
});

test.each([
  ['a link', (): unknown => symlinkSync('/dev/null', paths.log)],
  ['a pipe', (): unknown => spawnSync('mkfifo', ['-m', '600', paths.log])],
  [
    'a file that others may read',
    (): unknown => {
      writeFileSync(paths.log, '');
      return chmodSync(paths.log, 0o644);
    },
  ],
])('%s in the place of the log is refused', async (_name, put) => {
  mkdirSync(paths.run, { mode: 0o700 });
  put();
  await expect(use()).rejects.toMatchObject({ code: 'ERR_INSECURE_FILE', subject: paths.log });
  expect(starts()).toEqual([]);
});

test('a start lock keeps others out until it is released', () => {
  const file = join(paths.home, 'start.lock');
  const release = tryStartLock(file);
  expect(release).toBeTypeOf('function');
  expect(tryStartLock(file)).toBeUndefined();
  release?.();
  const again = tryStartLock(file);
  expect(again).toBeTypeOf('function');
  again?.();
  expect(existsSync(file)).toBe(false);
});

test.each([
  ['of a process that has gone', '2147483646 12'],
  ['of a process that had our pid', `${process.pid} 1`],
])('a start lock %s is free at the next try', (_name, content) => {
  const file = join(paths.home, 'start.lock');
  writeFileSync(file, content);
  expect(tryStartLock(file)).toBeUndefined();
  expect(tryStartLock(file)).toBeTypeOf('function');
});

test('a start lock without a name is left to its writer for a second', async () => {
  const file = join(paths.home, 'start.lock');
  writeFileSync(file, '');
  expect(tryStartLock(file)).toBeUndefined();
  expect(existsSync(file)).toBe(true);
  await expect.poll(() => tryStartLock(file), { timeout: 5000 }).toBeTypeOf('function');
});

test.each([
  ['folder', (file: string): unknown => mkdirSync(file)],
  ['link', (file: string): unknown => symlinkSync('/dev/zero', file)],
])(
  'a %s in the place of the start lock is refused at once',
  async (_name, put) => {
    mkdirSync(paths.run, { mode: 0o700 });
    const file = join(paths.run, 'start.lock');
    put(file);
    await expect(use()).rejects.toMatchObject({
      code: 'ERR_INSECURE_FILE',
      subject: file,
      hint: 'move it away',
    });
    expect(starts()).toEqual([]);
  },
  5000,
);
