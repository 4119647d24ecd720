import { spawn } from 'node:child_process';

/** How a call of the service manager's own command ended. */
export interface Called {
  readonly ok: boolean;
  readonly stdout: string;
  /** One line, of what it said or why it could not be called. */
  readonly reason: string;
}

/** Calls the command that talks to the user's service manager: `systemctl`, `launchctl`. */
export type Call = (command: string, args: readonly string[]) => Promise<Called>;

const withinMs = 60_000;

/** By PATH, as the person would. */
export const callManager: Call = (command, args) =>
  new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: withinMs,
      env: { ...process.env, LC_ALL: 'C', SYSTEMD_PAGER: '', SYSTEMD_COLORS: '0' },
    });
    const text = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].on('data', (chunk: Buffer) => (text[name] += chunk.toString()));
    }
    child.on('error', (error: NodeJS.ErrnoException) => {
      const reason =
        error.code === 'ENOENT' ? `there is no ${command}` : `${command}: ${error.code}`;
      resolve({ ok: false, stdout: '', reason });
    });
    child.on('close', (code) => {
      const [line = ''] = text.stderr.trim().split('\n');
      const reason = line === '' ? `${command} ended with ${code ?? 'a signal'}` : line;
      resolve({ ok: code === 0, stdout: text.stdout, reason });
    });
  });
