import { randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { badInputs } from '../kit/bad-input.ts';
import { findIn, findInArguments, findInFiles } from '../kit/canary.ts';
import { createHome, expectSuccess, mcpCommand, type Home } from '../kit/home.ts';
import { needs } from '../kit/needs.ts';
import { run, type Ended, type RunOptions } from '../kit/run.ts';

const canary = `canary-${randomBytes(18).toString('base64url')}`;
const traced = [
  '-f',
  '-y',
  '-qq',
  '-s',
  '1000000',
  '-e',
  'trace=write,pwrite64,writev,pwritev,execve',
  '-o',
];

let home: Home;
let traces = '';
let count = 0;

/** The command under strace, with what it starts. */
function mcp(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const file = join(traces, String((count += 1)));
  return run('strace', [...traced, file, mcpCommand, ...args], {
    ...options,
    env: { ...home.env, ...options.env },
  });
}

beforeAll(async () => {
  traces = mkdtempSync(join(tmpdir(), 'mcp-traces-'));
  home = await createHome({ kind: 'sealed' });
  // The daemon, too, runs under strace: what it writes is looked through at the end.
  expectSuccess(await home.mcp(['daemon', 'stop']));
  const daemon = spawn('strace', [...traced, join(traces, 'daemon'), mcpCommand, 'daemon', 'run'], {
    env: { ...home.env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await once(daemon.stderr, 'data');
  expectSuccess(await home.mcp(['unlock', '--fd', '3'], { fd3: home.passphrase }));
  await home.set('WITH_NUL', Buffer.from(`${canary}\0`));
  await home.set('TOO_LONG', canary.repeat(131_072 / canary.length));
}, 120_000);
afterAll(async () => {
  await home.remove();
  rmSync(traces, { recursive: true, force: true });
});

describe('a value', () => {
  needs('strace', 'linux', 'root')(
    'A7: is in no file, no argument and no log, whatever goes right or wrong',
    async () => {
      const outputs: Ended[] = [];
      outputs.push(
        expectSuccess(await mcp(['secret', 'set', 'CANARY', '--stdin'], { input: canary })),
      );
      outputs.push(expectSuccess(await mcp(['secret', 'list', '--json'])));
      outputs.push(expectSuccess(await mcp(['secret', 'show', 'CANARY'])));

      const args = [
        '--env',
        'TOKEN=$<CANARY>',
        '--',
        '/bin/sh',
        '-c',
        'test -n "$TOKEN"; echo ready; read -r end',
      ];
      await home.approve(args);
      const launch = spawn(
        'strace',
        [...traced, join(traces, 'launch'), mcpCommand, 'exec', ...args],
        { env: { ...home.env } },
      );
      await once(launch.stdout, 'data');
      const whileItRuns = await findInArguments(canary);
      launch.stdin.end('\n');
      expect(await once(launch, 'close')).toEqual([0, null]);
      for (const bad of badInputs) outputs.push(await bad.try(home, mcp));
      outputs.push(
        await mcp(['status', '--json']),
        await mcp(['audit', 'tail', '-n', '1000']),
        await mcp(['daemon', 'logs']),
      );
      outputs.push(await whileTheDaemonDies(() => mcp(['exec', ...args])));

      expect(whileItRuns.finds).toEqual([]);
      expect(
        outputs.flatMap(({ stdout, stderr }) => findIn(Buffer.from(stdout + stderr), canary)),
      ).toEqual([]);
      expect(await findInFiles(home.folder, canary)).toEqual([]);
      expect(readdirSync(traces).length).toBeGreaterThan(30);
      expect(readdirSync(traces).flatMap((name) => writesOfCanary(join(traces, name)))).toEqual([]);
      // The eyes are open: on its one way, from the daemon to the wrapper, the value is seen.
      const daemon = readFileSync(join(traces, 'daemon'), 'utf8').split('\n');
      const sent = daemon.filter((line) => /writev?\(\d+<(?:UNIX|socket)/u.test(line));
      expect(sent.some((line) => line.includes(canary))).toBe(true);
    },
    240_000,
  );
});

/** The daemon stands still when it is asked, and is killed. */
async function whileTheDaemonDies(launch: () => Promise<Ended>): Promise<Ended> {
  const { stdout } = await home.mcp(['status', '--json']);
  const { pid } = JSON.parse(stdout) as { pid: number };
  process.kill(pid, 'SIGSTOP');
  const launched = launch();
  const connected = (): number =>
    readFileSync('/proc/net/unix', 'utf8').split(home.broker).length - 1;
  await expect.poll(connected, { timeout: 10_000 }).toBe(2);
  process.kill(pid, 'SIGKILL');
  const ended = await launched;
  expect(ended.code).toBe(69);
  return ended;
}

/**
 * Traced writes to files, and traced arguments, that hold the canary. Sockets and pipes are its way;
 * of an environment strace prints the size alone.
 */
function writesOfCanary(file: string): string[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  const toFile = /(?:write|pwrite64|writev|pwritev)\(\d+<\//u;
  return lines
    .filter((line) => toFile.test(line) || line.includes('execve('))
    .filter((line) => findIn(Buffer.from(line), canary).length > 0)
    .map((line) => `${file}: ${line.slice(0, 120)}`);
}
