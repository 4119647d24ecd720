import { spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { userInfo } from 'node:os';

/** A login shell may ask the network for something; nobody waits longer for that. */
const limitMs = 5000;
const mark = 'mcp-path:';

/**
 * The folders of PATH in the person's login shell: where nvm, Homebrew or asdf put what a client that was
 * started from a desktop does not find. The shell is the one that SHELL names, run with `-lc` in the home
 * folder and with a bare environment, so that nothing of the project that we stand in takes part. Without
 * SHELL, or when the shell says nothing in time: undefined.
 */
export async function loginPath(
  environment: Readonly<Record<string, string | undefined>>,
  waitMs: number = limitMs,
): Promise<readonly string[] | undefined> {
  const { SHELL: shell, HOME: home, TERM: term } = environment;
  if (shell?.startsWith('/') !== true || home?.startsWith('/') !== true) return undefined;
  const { username } = userInfo();
  const output = await outputOf(shell, home, waitMs, {
    HOME: home,
    SHELL: shell,
    USER: username,
    LOGNAME: username,
    PATH: '/usr/local/bin:/usr/bin:/bin',
    ...(term === undefined ? {} : { TERM: term }),
  });
  // What the shell's own files print comes before it.
  const line = output.split('\n').findLast((each) => each.startsWith(mark));
  if (line === undefined) return undefined;
  const folders = line.slice(mark.length).split(':');
  return [...new Set(folders)].filter(isUsable);
}

function outputOf(
  shell: string,
  cwd: string,
  waitMs: number,
  env: Record<string, string>,
): Promise<string> {
  return new Promise((resolve) => {
    // Of its own session: a shell that asks something finds no terminal to ask on.
    const child = spawn(shell, ['-lc', `printf '\\n${mark}%s\\n' "$PATH"`], {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    let output = '';
    const finish = (): void => {
      clearTimeout(timer);
      child.stdout.destroy();
      child.unref();
      resolve(output);
    };
    const timer = setTimeout(() => {
      // With all that it started.
      if (child.pid !== undefined) killGroup(child.pid);
      finish();
    }, waitMs);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      // Not at its end: an agent that the shell's files start may hold the pipe for as long as it lives.
      if (/\nmcp-path:[^\n]*\n/.test(output)) finish();
    });
    child.once('error', finish);
    child.once('close', finish);
  });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has gone meanwhile.
  }
}

/** A folder that is there, which nobody else can put programs into. */
function isUsable(folder: string): boolean {
  if (!folder.startsWith('/') || /[:\p{Cc}]/u.test(folder)) return false;
  try {
    const { mode, uid } = statSync(folder);
    const isOwn = uid === 0 || uid === process.geteuid?.();
    return isOwn && (mode & 0o170000) === 0o040000 && (mode & 0o002) === 0;
  } catch {
    return false;
  }
}
