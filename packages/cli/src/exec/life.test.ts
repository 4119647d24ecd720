import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lacks } from '../../../../test/kit/needs.ts';
import { startPty } from '../../../../test/kit/pty.ts';

// Life and end of what `mcp exec` starts. Each server names its processes on stdout; none may be left.

const main = fileURLToPath(new URL('../main.ts', import.meta.url));
const exec = [
  process.execPath,
  '--conditions=dev',
  '--disable-sigusr1',
  main,
  'exec',
  '--',
] as const;

let folder: string;
let env: Readonly<Record<string, string>>;
/** To be ended when a test has failed to. */
let pids: number[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-life-'));
  env = { PATH: process.env['PATH'] ?? '', HOME: folder, MCP_HOME: folder };
  pids = [];
});
afterEach(() => {
  for (const pid of pids.filter(lives)) process.kill(pid, 'SIGKILL');
  rmSync(folder, { recursive: true });
});

/** A zombie does not. */
function lives(pid: number): boolean {
  try {
    return !/\) [ZX] /u.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

/** Ignores SIGTERM and the end of stdin, as does a child of its own, and one in another session. */
const stubborn = `trap '' TERM HUP INT
  sleep 300 & one=$!
  setsid sh -c 'sleep 300 & wait' & two=$!
  echo pids $$ $one $two
  while :; do sleep 0.05; done`;

interface Launched {
  readonly child: ChildProcess;
  readonly ended: Promise<number>;
  /** Of the server and what it started, once it has named them. */
  readonly named: Promise<readonly number[]>;
}

function launch(script: string, stdin: 'pipe' | 'ignore' = 'pipe'): Launched {
  const [node, ...args] = exec;
  const child = spawn(node, [...args, 'sh', '-c', script], {
    env,
    stdio: [stdin, 'pipe', 'inherit'],
  });
  pids.push(child.pid ?? 0);
  return { child, ended: ended(child), named: named(child) };
}

async function ended(child: ChildProcess): Promise<number> {
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? -1;
}

async function named(child: ChildProcess): Promise<readonly number[]> {
  let text = '';
  for (;;) {
    const [chunk] = (await once(child.stdout ?? child, 'data')) as [Buffer];
    text += chunk.toString();
    const line = /^pids (.*)\n/mu.exec(text)?.[1];
    if (line === undefined) continue;
    const found = line.split(' ').map(Number);
    pids.push(...found);
    return found;
  }
}

test.each([0, 1, 2, 77, 125, 126, 127, 128, 130, 137, 254, 255])(
  'exit code %d of the server is ours',
  async (code) => {
    expect(await launch(`exit ${code}`, 'ignore').ended).toBe(code);
  },
);

test.each([
  ['HUP', 1],
  ['INT', 2],
  ['QUIT', 3],
  ['ABRT', 6],
  ['KILL', 9],
  ['USR1', 10],
  ['SEGV', 11],
  ['USR2', 12],
  ['PIPE', 13],
  ['ALRM', 14],
  ['TERM', 15],
  ['XCPU', 24],
  ['IO', 29],
  ['SYS', 31],
])('a server that SIG%s ends gives 128 and %d', async (name, number) => {
  expect(await launch(`ulimit -c 0; kill -${name} $$`, 'ignore').ended).toBe(128 + number);
});

describe.skipIf(lacks('linux', 'setsid'))('a launch without a terminal', () => {
  test('has its server in a session and group of its own', async () => {
    const { ended: end, named: pidsOf } = launch(
      `cut -d' ' -f1,5,6 /proc/$$/stat | sed 's/^/pids /'; read line`,
    );
    const [pid, group, session] = await pidsOf;
    expect([group, session]).toEqual([pid, pid]);
    process.kill(pid ?? 0, 'SIGKILL');
    expect(await end).toBe(137);
  });

  test('is gone within two seconds of its client closing stdin, a socket', async () => {
    const { child, ended: end, named: pidsOf } = launch(stubborn);
    const all = await pidsOf;
    const began = performance.now();
    child.stdin?.end();
    expect(await end).toBe(137);
    expect(all.filter(lives)).toEqual([]);
    expect(performance.now() - began).toBeLessThan(2000);
  });

  test('is gone within two seconds of its client closing stdin, a pipe', async () => {
    const client = `import subprocess, sys, time
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
sys.stdout.buffer.write(child.stdout.readline())
sys.stdout.flush()
began = time.monotonic()
child.stdin.close()
code = child.wait()
sys.exit(0 if code == 137 and time.monotonic() - began < 2 else 1)`;
    const child = spawn('python3', ['-c', client, ...exec, 'sh', '-c', stubborn], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [all, code] = await Promise.all([named(child), ended(child)]);
    expect(code).toBe(0);
    expect(all.filter(lives)).toEqual([]);
  });

  test.each(['pipe', 'socket'])('is gone when its client is killed (%s)', async (kind) => {
    const stdin = kind === 'pipe' ? 'subprocess.PIPE' : 'theirs.fileno()';
    const client = `import socket, subprocess, sys, time
ours, theirs = socket.socketpair()
child = subprocess.Popen(sys.argv[1:], stdin=${stdin})
theirs.close()
time.sleep(60)`;
    const child = spawn('python3', ['-c', client, ...exec, 'sh', '-c', stubborn], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const all = await named(child);
    child.kill('SIGKILL');
    await expect.poll(() => all.filter(lives), { timeout: 10_000 }).toEqual([]);
  });

  test.each<[string, (args: readonly string[]) => [string, readonly string[], 'ignore' | number]]>([
    ['a file', (args) => [args[0] ?? '', args.slice(1), file()]],
    ['/dev/null', (args) => [args[0] ?? '', args.slice(1), 'ignore']],
    [
      'a pipe from another program',
      (args) => ['sh', ['-c', 'cat /dev/null | "$@"', 'sh', ...args], 'ignore'],
    ],
    ['closed', (args) => ['sh', ['-c', 'exec "$@" <&-', 'sh', ...args], 'ignore']],
  ])('goes on when its stdin is %s', async (_kind, start) => {
    const script = 'cat >/dev/null 2>&1; sleep 2.5; exit 5';
    const [command, args, stdin] = start([...exec, 'sh', '-c', script]);
    const child = spawn(command, args, {
      env,
      stdio: [stdin, 'ignore', 'inherit'],
    });
    pids.push(child.pid ?? 0);
    expect(await ended(child)).toBe(5);
    if (typeof stdin === 'number') closeSync(stdin);
  });

  test('takes along what its server leaves behind', async () => {
    const left = launch(`sleep 300 & echo pids $$ $!; exit 3`);
    const all = await left.named;
    expect(await left.ended).toBe(3);
    expect(all.filter(lives)).toEqual([]);
  });

  test('with stdin from no client leaves what its server left, as without us', async () => {
    const left = launch(`sleep 300 >/dev/null & echo pids $$ $!; exit 3`, 'ignore');
    const [, background = 0] = await left.named;
    expect(await left.ended).toBe(3);
    expect(lives(background)).toBe(true);
  });

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'ends with all that it started after %s, also when that is ignored',
    async (signal) => {
      const { child, ended: end, named: pidsOf } = launch(stubborn, 'ignore');
      const all = await pidsOf;
      child.kill(signal);
      expect(await end).toBe(137);
      expect(all.filter(lives)).toEqual([]);
    },
    20_000,
  );
});

function file(): number {
  const path = join(folder, 'stdin');
  writeFileSync(path, 'x\n');
  return openSync(path, 'r');
}

describe.skipIf(lacks('linux', 'python3', 'bash'))('a launch on a terminal', () => {
  const counting = `let interrupts = 0;
    process.on('SIGINT', () => console.log('interrupts ' + ++interrupts));
    process.on('SIGCONT', () => console.log('continued'));
    process.stdin.on('data', (data) => {
      console.log('read ' + data.toString().trim());
      if (interrupts > 0) process.exit(9);
    });
    console.log('runs ' + process.pid);`;

  function shell(): ReturnType<typeof startPty> {
    return startPty('bash', ['--norc', '--noprofile', '-i'], { env });
  }
  const typed = `${exec.join(' ')} ${process.execPath} server.js\n`;

  beforeEach(() => {
    writeFileSync(join(folder, 'server.js'), counting);
  });

  test('stops at Ctrl-Z, comes back with fg, and gets one SIGINT for each Ctrl-C', async () => {
    const terminal = shell();
    await terminal.see(/bash-[\d.]+[#$] /u);
    terminal.type(`cd ${folder}\n${typed}`);
    const [, server] = await terminal.see(/runs (\d+)\n/u);
    terminal.type('\u001a');
    await terminal.see(/Stopped/u);
    await expect.poll(() => readFileSync(`/proc/${server}/stat`, 'latin1')).toMatch(/\) T /u);
    terminal.type('fg\n');
    await terminal.see(/continued/u);
    terminal.type('a\n');
    await terminal.see(/read a/u);
    terminal.type('\u0003');
    await terminal.see(/interrupts 1/u);
    terminal.type('b\n');
    await terminal.see(/read b/u);
    await terminal.see(/bash-[\d.]+[#$] /u);
    terminal.type('echo status $?; exit\n');
    await terminal.see(/status 9/u);
    const { shown } = await terminal.ended;
    expect(shown).not.toContain('interrupts 2');
    expect(shown.match(/continued/gu)).toHaveLength(1);
  });

  test('ends when the terminal is closed', async () => {
    writeFileSync(
      join(folder, 'server.js'),
      `process.on('SIGHUP', () => {}); setInterval(() => {}, 1000); console.log('runs ' + process.pid)`,
    );
    const terminal = shell();
    await terminal.see(/bash-[\d.]+[#$] /u);
    terminal.type(`cd ${folder}\n${typed}`);
    const [, server] = await terminal.see(/runs (\d+)\n/u);
    pids.push(Number(server));
    terminal.close();
    await expect.poll(() => lives(Number(server)), { timeout: 15_000 }).toBe(false);
    await terminal.ended;
  });
});

test('the very descriptors of the client are those of the server', async () => {
  const path = join(folder, 'out');
  const [node, ...args] = exec;
  const print = 'for fd in 0 1 2; do stat -L -c %d:%i /proc/self/fd/$fd; done >&3';
  const out = openSync(path, 'w');
  const input = file();
  const child = spawn(
    'sh',
    [
      '-c',
      `exec 3>${join(folder, 'seen')}; ${print}; exec "$@"`,
      'sh',
      node,
      ...args,
      'sh',
      '-c',
      `exec 3>>${join(folder, 'seen')}; ${print}`,
    ],
    {
      env,
      stdio: [input, out, out],
    },
  );
  expect(await ended(child)).toBe(0);
  closeSync(out);
  closeSync(input);
  const seen = readFileSync(join(folder, 'seen'), 'utf8').trim().split('\n');
  expect(seen).toHaveLength(6);
  expect(seen.slice(3)).toEqual(seen.slice(0, 3));
});
