import { join } from 'node:path';
import type { Interpreter, Trail } from './interpreter.ts';
import { isFile } from './on-disk.ts';
import { has, scan, valueOf, valuesOf, words, type Grammar } from './options.ts';

const shellLong = words(`
  --debug --debugger --emacs --login --noediting --noprofile --norc --posix --restricted --rcs --no-rcs
  --verbose --vi
`);
const shell: Grammar = {
  values: words('-o -O --rcfile --init-file'),
  isFlag: (name) => (/^-[A-Za-z]$/.test(name) && !/^-[oO]$/.test(name)) || shellLong.has(name),
  clusters: true,
};

/** Both `sh -c TEXT` and a script run what PATH leads to; the script itself is bound by its content. */
export const runShell: Interpreter = async (trail, args, { name }) => {
  const found = scan(args, shell);
  // `+x` takes an option back.
  const unknown = found.unknown ?? (found.rest[0]?.startsWith('+') === true ? '+' : undefined);
  if (unknown !== undefined) return unknownOption(trail, name, unknown);
  for (const file of valuesOf(found.options, ['--rcfile', '--init-file'])) {
    await trail.addIfThere('preload', trail.resolve(file));
  }
  const startFile = name === 'bash' ? trail.variable('BASH_ENV') : undefined;
  if (startFile !== undefined && startFile !== '') {
    await trail.addIfThere('preload', trail.resolve(startFile));
  }
  const [script] = found.rest;
  if (has(found, '-c')) return freeText(trail, `${name} -c`);
  if (script === undefined || has(found, '-s')) return fromStdin(trail, name);
  trail.needPath();
  await trail.add('script', findScript(trail, script), `script of ${name}`);
};

/** In the working folder, then in PATH. */
function findScript(trail: Trail, script: string): string {
  const here = trail.resolve(script);
  if (script.includes('/') || isFile(here)) return here;
  const folders = (trail.searchPath ?? '').split(':').filter((folder) => folder !== '');
  const found = folders.map((folder) => trail.resolve(join(folder, script))).find(isFile);
  return found ?? here;
}

const env: Grammar = {
  values: words('-u --unset -C --chdir -S --split-string'),
  isFlag: (name) =>
    /^-[i0v]$/.test(name) ||
    /^--(?:ignore-environment|null|debug|(?:block|default|ignore)-signal|list-signal-handling)$/.test(
      name,
    ),
  clusters: true,
  last: words('-S --split-string'),
};

/**
 * `env [-i] [-u NAME] [NAME=value …] COMMAND`. PATH counts where a person typed it; in a first line what
 * it leads to is bound by content.
 */
export const runEnv: Interpreter = async (trail, args, { role }) => {
  if (role === 'command') trail.needPath();
  const found = scan(args, env);
  if (found.unknown !== undefined) return unknownOption(trail, 'env', found.unknown);
  if (has(found, '-i', '--ignore-environment')) clearEnvironment(trail);
  for (const name of valuesOf(found.options, ['-u', '--unset']))
    setVariable(trail, name, undefined);
  const folder = valueOf(found, '-C', '--chdir');
  if (folder !== undefined) trail.enter(folder);
  const text = valueOf(found, '-S', '--split-string');
  if (text !== undefined) {
    // Quotes, variables and escapes have rules of their own.
    if (/["'\\$#]/.test(text)) return unknownOption(trail, 'env', '-S');
    const parts = text.split(/\s+/).filter((part) => part !== '');
    return runEnv(trail, [...parts, ...found.rest], { name: 'env', path: 'env', role });
  }
  // A dash alone means -i, before any other.
  let rest = found.rest;
  if (rest[0] === '-') {
    clearEnvironment(trail);
    rest = rest.slice(1);
  }
  while (rest[0]?.includes('=') === true) {
    const [assignment = '', ...others] = rest;
    const equals = assignment.indexOf('=');
    setVariable(trail, assignment.slice(0, equals), assignment.slice(equals + 1));
    rest = others;
  }
  const [command, ...commandArgs] = rest;
  if (command !== undefined) await trail.run(command, commandArgs);
};

function clearEnvironment(trail: Trail): void {
  trail.clearVariables();
  trail.searchPath = null;
}

function setVariable(trail: Trail, name: string, value: string | undefined): void {
  if (name === 'PATH') trail.searchPath = value ?? null;
  trail.setVariable(name, value);
}

const multiCall = /^(?:busybox|toybox|coreutils)/;

/** `busybox sh -c …` is `sh -c …`. By a link of another name it is a program that needs no following. */
export const runBusybox: Interpreter = async (trail, [applet, ...rest], { name, path, role }) => {
  if (!multiCall.test(name) || applet === undefined || multiCall.test(applet)) return;
  await trail.read(rest, { name: applet.replace(/^--coreutils-prog=/, ''), path, role });
};

/** `nice`, `timeout`, `sudo`, … */
export const runLauncher: Interpreter = (trail, _args, { name }) => {
  trail.needFolder();
  trail.needPath();
  trail.limit(`${name} starts another command, which is not followed`);
};

/** What builds or finds its program in a project, and languages whose options are not known here. */
export const runUnfollowed: Interpreter = (trail, _args, { name }) => {
  trail.needFolder();
  trail.needPath();
  trail.limit(`what ${name} runs is not followed`);
};

/** What a shell, or a runner with a text for one, may start is anything. */
export function freeText(trail: Trail, what: string): void {
  trail.needFolder();
  trail.needPath();
  trail.limit(`${what} runs commands that are not followed`);
}

/** Its stdin is what the client says, not what a person has approved. */
export function fromStdin(trail: Trail, name: string): void {
  trail.limit(`${name} reads its program from stdin`);
}

/** Rather no script than a wrong one. */
export function unknownOption(trail: Trail, name: string, option: string): void {
  trail.needFolder();
  trail.limit(`what ${name} runs is not known, because of its option ${option}`);
}
