import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

const program = fileURLToPath(new URL('../fixtures/pty.py', import.meta.url));

/** A command on a terminal of its own, with somebody who reads and types. */
export interface Pty {
  /** What it has shown so far, without the sequences that colour and move. */
  readonly shown: string;
  /** Waits until it shows this after what was last waited for; gives the match. Rejects after 30 s. */
  see(what: RegExp): Promise<RegExpExecArray>;
  type(text: string): void;
  /** Closes the window: the kernel hangs the terminal up. */
  close(): void;
  readonly ended: Promise<PtyEnd>;
}

export interface PtyEnd {
  readonly code: number;
  readonly shown: string;
  /** The same with the sequences that colour and move. */
  readonly raw: string;
  /** The terminal is as it was: it echoes, and reads by lines. */
  readonly restored: boolean;
}

export interface PtyOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Needs python3. */
export function startPty(command: string, args: readonly string[], options: PtyOptions): Pty {
  const child = spawn('python3', [program, command, ...args], { ...options, stdio: 'pipe' });
  let raw = '';
  let state = '';
  let seen = 0;
  child.stdin.on('error', () => undefined);
  child.stderr.on('data', (chunk: Buffer) => (state += chunk.toString()));
  child.stdout.on('data', (chunk: Buffer) => {
    raw += chunk.toString();
    child.emit('shown');
  });
  const shown = (): string => stripVTControlCharacters(raw).replaceAll('\r\n', '\n');

  const end = async (): Promise<PtyEnd> => {
    const [code] = (await once(child, 'close')) as [number];
    // Closed, not ended.
    if (state === '') return { code, shown: shown(), raw, restored: false };
    const { echo, lines } = JSON.parse(state) as { echo: boolean; lines: boolean };
    child.emit('shown');
    return { code, shown: shown(), raw, restored: echo && lines };
  };
  const ended = end();

  return {
    get shown() {
      return shown();
    },
    async see(what) {
      const signal = AbortSignal.timeout(30_000);
      for (;;) {
        const match = what.exec(shown().slice(seen));
        if (match !== null) {
          seen += match.index + match[0].length;
          return match;
        }
        if (child.exitCode !== null) throw new Error(`ended without ${String(what)}: ${shown()}`);
        await once(child, 'shown', { signal }).catch(() => {
          throw new Error(`did not show ${String(what)} within 30 s: ${shown()}`);
        });
      }
    },
    type(text) {
      child.stdin.write(text);
    },
    close() {
      child.kill('SIGKILL');
    },
    ended,
  };
}
