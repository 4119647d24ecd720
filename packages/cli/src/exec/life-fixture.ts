import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect } from 'vitest';
import { parentOf, trackProcesses, type Started } from '../../../../test/kit/started.ts';

/** `mcp exec --`, from the sources: what follows is the server. */
export const exec: readonly [string, ...string[]] = [
  process.execPath,
  '--conditions=dev',
  '--disable-sigusr1',
  fileURLToPath(new URL('../main.ts', import.meta.url)),
  'exec',
  '--',
];

/** Ignores what asks it to end, as does a child of its own, and one in another session. */
export const stubborn = `trap '' TERM HUP INT
  sleep 300 & one=$!
  setsid sh -c 'sleep 300 & wait' & two=$!
  echo pids $$ $one $two
  while :; do sleep 0.05; done`;

/** For what ends within two seconds or four, on a machine with other work. */
export const polled: { readonly timeout: number } = { timeout: 15_000 };

export interface Launched {
  readonly child: ChildProcess;
  readonly ended: Promise<number>;
  /** Of the server and what it started, once it has named them. */
  readonly named: Promise<readonly number[]>;
  /** Those of them that still run. */
  living(): number[];
}

export interface LifeFixture {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** A server that is a script of sh. */
  launch(script: string, stdin?: 'pipe' | 'ignore'): Launched;
  /** Any program that starts one. */
  start(command: readonly string[], options?: SpawnOptions): Launched;
}

/** A home of its own for each test of the file; what a test has failed to end is ended. */
export function lifeFixture(): LifeFixture {
  let folder = '';
  const started = trackProcesses();
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mcp-life-'));
  });
  afterEach(() => {
    started.kill();
    rmSync(folder, { recursive: true });
  });
  const env = (): Readonly<Record<string, string>> => ({
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    MCP_HOME: folder,
  });
  const start: LifeFixture['start'] = ([command = '', ...args], options = {}) => {
    const child = spawn(command, args, {
      env: env(),
      stdio: ['ignore', 'pipe', 'inherit'],
      // Without the terminal of whoever runs the tests.
      detached: true,
      ...options,
    });
    started.add(child.pid ?? 0);
    const own = trackProcesses();
    child.stdin?.on('error', () => undefined);
    return { child, ended: endOf(child), named: named(child, [own, started]), living: own.living };
  };
  return {
    get folder() {
      return folder;
    },
    get env() {
      return env();
    },
    start,
    launch: (script, stdin = 'pipe') =>
      start([...exec, 'sh', '-c', script], { stdio: [stdin, 'pipe', 'inherit'] }),
  };
}

/** Resolves once the wrapper of a server watches over it. */
export async function watched([server = 0]: readonly number[]): Promise<void> {
  await expect
    .poll(() => readFileSync(`/proc/${parentOf(server)}/maps`, 'latin1'), polled)
    .toContain('koffi');
}

async function endOf(child: ChildProcess): Promise<number> {
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? -1;
}

/** The pids of the line that a server begins with. */
function named({ stdout }: ChildProcess, lists: readonly Started[]): Promise<readonly number[]> {
  let text = '';
  return new Promise((resolve) => {
    stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const line = /^pids (.*)\n/mu.exec(text)?.[1];
      if (line === undefined) return;
      const found = line.split(' ').map(Number);
      for (const list of lists) list.add(...found);
      resolve(found);
    });
  });
}
