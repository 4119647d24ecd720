import { once } from 'node:events';
import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { auditLines, createHome, expectSuccess, mcpCommand, type Home } from '../kit/home.ts';
import { needs } from '../kit/needs.ts';
import { run } from '../kit/run.ts';

const within = { timeout: 10_000 };
let home: Home;
beforeAll(async () => {
  home = await createHome({ kind: 'identity' });
}, 60_000);
afterAll(async () => {
  await home.remove();
});

async function daemonPid(): Promise<number> {
  const { stdout } = await home.mcp(['status', '--json']);
  return (JSON.parse(stdout) as { pid: number }).pid;
}

const lives = async (): Promise<number> => (await home.mcp(['daemon', 'status'])).code;

describe('a daemon in the foreground', () => {
  let foreground: ReturnType<typeof spawn> | undefined;
  const runDaemon = async (
    stderr: 'pipe' | number,
    env: Record<string, string> = {},
  ): Promise<ReturnType<typeof spawn>> => {
    await home.mcp(['daemon', 'stop']);
    const child = spawn(mcpCommand, ['daemon', 'run'], {
      env: { ...home.env, ...env },
      stdio: ['ignore', 'ignore', stderr],
    });
    foreground = child;
    await expect.poll(lives, within).toBe(0);
    return child;
  };
  /** Each reading of the config is a line of the log. */
  const sayMuch = async (pid: number): Promise<void> => {
    for (let times = 0; times < 3; times += 1) {
      const before = (await auditLines(home)).length;
      process.kill(pid, 'SIGHUP');
      await expect
        .poll(async () => (await auditLines(home)).length, within)
        .toBeGreaterThan(before);
    }
  };
  afterEach(async () => {
    if (foreground?.exitCode === null) {
      const closed = once(foreground, 'close');
      await home.mcp(['daemon', 'stop']);
      await closed;
    }
  });

  needs('linux')('outlives a log that takes no more', async () => {
    const full = openSync('/dev/full', 'w');
    await runDaemon(full);
    closeSync(full);
    const pid = await daemonPid();
    await sayMuch(pid);
    expect(await daemonPid()).toBe(pid);
  });

  test('outlives whoever read its log', async () => {
    const child = await runDaemon('pipe');
    child.stderr?.destroy();
    const pid = await daemonPid();
    await sayMuch(pid);
    expect(await daemonPid()).toBe(pid);
  });

  needs('root', 'linux')('B25: has nothing of our environment but what it keeps', async () => {
    await runDaemon('pipe', { GITHUB_TOKEN: 'hunter2', CREDENTIALS_DIRECTORY: home.folder });
    const environ = readFileSync(`/proc/${await daemonPid()}/environ`, 'utf8');
    expect(environ).not.toContain('GITHUB_TOKEN');
    expect(environ).toContain(`CREDENTIALS_DIRECTORY=${home.folder}`);
  });
});

describe('in the place of the lock', () => {
  test.each([
    ['a link', (file: string): unknown => symlinkSync('/dev/null', file)],
    ['a folder', (file: string): unknown => mkdirSync(file)],
  ])('%s is refused with 78', async (_title, put) => {
    await home.mcp(['daemon', 'stop']);
    const file = join(home.broker, 'run', 'daemon.lock');
    rmSync(file, { force: true });
    put(file);
    const refused = await home.mcp(['secret', 'list']);
    rmSync(file, { recursive: true });
    expect(refused).toMatchObject({ code: 78 });
    expect(refused.stderr).toContain(file);
    expectSuccess(await home.mcp(['secret', 'list']));
  });
});

describe('a launch', () => {
  test('B7: hands a variable named __proto__ on', async () => {
    const program = ['--', '/usr/bin/env'];
    const typed = await home.mcp(['exec', '--env', '__proto__=typed', ...program]);
    expect(typed.stdout.split('\n')).toContain('__proto__=typed');
    const inherited = await run('/usr/bin/env', ['__proto__=got', mcpCommand, 'exec', ...program], {
      env: home.env,
    });
    expect(inherited.stdout.split('\n')).toContain('__proto__=got');
  });
});

test('the compile cache lies under an absolute path or nowhere', async () => {
  const cwd = join(home.folder, 'elsewhere');
  mkdirSync(join(cwd, 'undefined', '.mcp'), { recursive: true, mode: 0o700 });
  mkdirSync(join(cwd, 'relative'), { mode: 0o700 });
  const { PATH } = home.env;
  for (const env of [{ PATH }, { PATH, MCP_HOME: 'relative' }]) {
    expectSuccess(await run(mcpCommand, ['--version'], { cwd, env }));
  }
  expect(existsSync(join(cwd, 'undefined', '.mcp', 'cache'))).toBe(false);
  expect(existsSync(join(cwd, 'relative', 'cache'))).toBe(false);
});
