import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { isRequired } from '../kit/needs.ts';
import { run } from '../kit/run.ts';

/** What comes from a package registry: made once, kept in the user's cache, used by every later run. */
export interface Prepared {
  /** What it is, for a line that says that it is missing. */
  readonly what: string;
  readonly folder: string;
  isThere(): boolean;
  /** Makes it where it is not there; of several processes one at a time. Rejects when a step fails. */
  make(): Promise<void>;
}

/** One command that makes it, and the words that say so. */
export interface Step {
  readonly says: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** `recipe`: all that decides what is made; another recipe makes another folder. */
export function prepared(
  name: string,
  what: string,
  recipe: readonly string[],
  steps: (folder: string) => readonly Step[],
): Prepared {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'mcp-broker-test');
  const digest = createHash('sha256').update(recipe.join('\0')).digest('hex').slice(0, 12);
  const folder = join(cache, `${name}-${digest}`);
  const ready = join(folder, 'ready');
  const isThere = (): boolean => existsSync(ready);
  return {
    what,
    folder,
    isThere,
    async make() {
      if (isThere()) return;
      await mkdir(cache, { recursive: true });
      await alone(`${folder}.lock`, async () => {
        if (isThere()) return;
        await rm(folder, { recursive: true, force: true });
        await mkdir(folder);
        for (const step of steps(folder)) await take(name, step);
        await writeFile(ready, '');
      });
    },
  };
}

const named = new Set<string>();

/** True when a test is to be skipped for what is not there; one line says so, once for each. */
export function lacksPrepared(...all: readonly Prepared[]): boolean {
  const missing = all.filter((each) => !each.isThere());
  if (isRequired || missing.length === 0) return false;
  for (const { what } of missing.filter((each) => !named.has(each.what))) {
    named.add(what);
    process.stderr.write(`skipped: needs ${what}, which MCP_TEST_REAL=require installs\n`);
  }
  return true;
}

async function take(name: string, { says, command, args, cwd, env }: Step): Promise<void> {
  process.stderr.write(`${name}: ${says}\n`);
  const began = performance.now();
  const ended = await run(command, args, {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, ...env },
  });
  if (ended.code !== 0) throw new Error(`${says}: exit ${ended.code}\n${ended.stderr}`);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  process.stderr.write(`${name}: ${says}: done in ${seconds} s\n`);
}

/** The kernel lets go of the lock when its holder ends, however that comes. */
async function alone(file: string, work: () => Promise<void>): Promise<void> {
  const holder = spawn('flock', [file, 'sh', '-c', 'echo locked; exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(holder, 'exit');
  try {
    await Promise.race([once(holder.stdout, 'data'), ended]);
    await work();
  } finally {
    holder.stdin.end();
    await ended;
  }
}
