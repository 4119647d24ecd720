import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { basename } from 'node:path';

/** A shell may ask the network for something; nobody waits longer for that, each time it is asked. */
const limitMs = 5000;
/** What a shell's files print besides: more is no banner. */
const maxOutput = 1024 * 1024;

export interface LoginPath {
  /** The shell that was asked. */
  readonly shell: string;
  /** Undefined: it did not say. */
  readonly folders: readonly string[] | undefined;
  /** It was asked as at a login alone: as on a terminal it did not say. */
  readonly isPoor: boolean;
}

/**
 * The folders of PATH in the person's shell: where nvm, Homebrew or asdf put what a client that was started
 * from a desktop does not find. The shell is the one that SHELL names, asked as on a new terminal, since
 * most people set PATH up for that (`.bashrc`, `.zshrc`), and when that gives nothing as at a login. It runs
 * in the home folder with a bare environment, so that nothing of the project that we stand in takes part,
 * and without a terminal. Undefined: there is no shell to ask.
 */
export async function loginPath(
  environment: Readonly<Record<string, string | undefined>>,
  waitMs: number = limitMs,
): Promise<LoginPath | undefined> {
  const { SHELL: shell, HOME: home, TERM: term } = environment;
  if (shell?.startsWith('/') !== true || home?.startsWith('/') !== true) return undefined;
  if (['nologin', 'false'].includes(basename(shell))) return undefined;
  const user = userName();
  const bare = {
    HOME: home,
    SHELL: shell,
    ...(user === undefined ? {} : { USER: user, LOGNAME: user }),
    PATH: '/usr/local/bin:/usr/bin:/bin',
    ...(term === undefined ? {} : { TERM: term }),
  };
  for (const [index, [option, before]] of questionsFor(shell).entries()) {
    const mark = `mcp-path-${randomBytes(8).toString('hex')}:`;
    const script = `${before}printf '\\n%s%s%s\\n' '${mark}' "$PATH" '${mark}'`;
    const path = await pathFrom(shell, [option, script], mark, { cwd: home, env: bare, waitMs });
    if (path !== undefined) {
      const folders = [...new Set(path.split(':'))].filter(isUsable);
      return { shell, folders, isPoor: index > 0 };
    }
  }
  return { shell, folders: undefined, isPoor: true };
}

function userName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    // A user without an entry.
    return undefined;
  }
}

/** Options, and what is run first. */
function questionsFor(shell: string): readonly (readonly [option: string, before: string])[] {
  const name = basename(shell);
  if (name === 'csh' || name === 'tcsh') return [['-c', '']];
  // At a login bash reads no `.bashrc`, unless its profile does.
  const before = name === 'bash' ? '[ ! -r ~/.bashrc ] || . ~/.bashrc\n' : '';
  return [
    ['-ilc', before],
    ['-lc', ''],
  ];
}

interface Surroundings {
  readonly cwd: string;
  readonly env: Record<string, string>;
  readonly waitMs: number;
}

/** What stands between the two marks, whatever the shell's files print around them. */
function pathFrom(
  shell: string,
  args: readonly string[],
  mark: string,
  { cwd, env, waitMs }: Surroundings,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    // Of its own session: a shell that asks something finds no terminal to ask on.
    const child = spawn(shell, args, {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    let output = '';
    const found = (): string | undefined => {
      const [, path, after] = output.split(mark);
      return after === undefined ? undefined : path;
    };
    const finish = (): void => {
      clearTimeout(timer);
      child.stdout.destroy();
      child.unref();
      resolve(found());
    };
    const giveUp = (): void => {
      // With all that it started.
      if (child.pid !== undefined) killGroup(child.pid);
      finish();
    };
    const timer = setTimeout(giveUp, waitMs);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      // Not at its end: an agent that the shell's files start may hold the pipe for as long as it lives.
      if (found() !== undefined) finish();
      else if (output.length > maxOutput) giveUp();
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

/** A folder that is there, of this user or root, and not writable by everybody. */
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
