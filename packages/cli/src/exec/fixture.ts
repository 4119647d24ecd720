import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach } from 'vitest';
import {
  startFakeDaemon,
  type FakeDaemon,
  type FakeOptions,
} from '../../../../test/fixtures/fake-daemon.ts';

const main = fileURLToPath(new URL('../main.ts', import.meta.url));
const programs = new URL('../../../../test/fixtures/programs/', import.meta.url);

export const node: string = process.execPath;
export const printSelf: string = fileURLToPath(new URL('print-self.mjs', programs));
export const nameSignal: string = fileURLToPath(new URL('name-signal.mjs', programs));
export const stdioFlags: string = fileURLToPath(new URL('stdio-flags.sh', programs));

/** For what happens in another process. */
export const deadline: { readonly timeout: number } = { timeout: 20_000 };

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

type OnOutput = (text: string, kill: (signal: NodeJS.Signals) => void) => void;

export interface ExecFixture {
  readonly home: string;
  /** The one that was started last. */
  readonly daemon: FakeDaemon | undefined;
  startDaemon(options: Omit<FakeOptions, 'home'>): Promise<FakeDaemon>;
  /** Runs `mcp` from the sources to its end; `onOutput` sees each piece of its stdout. */
  mcp(
    args: readonly string[],
    env?: Readonly<Record<string, string>>,
    onOutput?: OnOutput,
  ): Promise<Ended>;
  start(
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    onOutput?: OnOutput,
  ): { readonly child: ChildProcess; readonly ended: Promise<Ended> };
}

/** A home of its own for each test of the file, and the daemon that a test starts in it. */
export function execFixture(): ExecFixture {
  let home = '';
  let daemon: FakeDaemon | undefined;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'mcp-exec-'));
  });
  afterEach(async () => {
    await daemon?.stop();
    daemon = undefined;
    rmSync(home, { recursive: true });
  });

  const start: ExecFixture['start'] = (args, env, onOutput = () => undefined) => {
    const child = spawn(node, ['--conditions=dev', '--disable-sigusr1', main, ...args], {
      env: { PATH: process.env['PATH'] ?? '', HOME: home, MCP_HOME: home, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const output = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output.stdout += text;
      onOutput(text, (signal) => child.kill(signal));
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
    child.stdin.end();
    const ended = once(child, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
      ...output,
    }));
    return { child, ended };
  };
  return {
    get home() {
      return home;
    },
    get daemon() {
      return daemon;
    },
    async startDaemon(options) {
      daemon = await startFakeDaemon({ home, ...options });
      return daemon;
    },
    start,
    mcp: (args, env = {}, onOutput = () => undefined) => start(args, env, onOutput).ended,
  };
}
