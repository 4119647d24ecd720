import { runContainer } from './container-runners.ts';
import { runBun, runDeno, runNode, runTsNode, runTsx } from './node-programs.ts';
import { runNpm, runNpx, runPnpm, runPnpx, runYarn } from './npm-runners.ts';
import { runDotnet, runJava, runPerl, runPhp, runRuby } from './other-programs.ts';
import { runPython } from './python-programs.ts';
import { runPipx, runUv, runUvx } from './python-runners.ts';
import { runBusybox, runEnv, runLauncher, runShell, runUnfollowed } from './shell-programs.ts';
import type { Interpreter } from './interpreter.ts';

const interpreters: ReadonlyMap<string, Interpreter> = new Map<string, Interpreter>([
  ['env', runEnv],
  ...each('sh ash bash dash ksh mksh zsh', runShell),
  ...each('busybox toybox coreutils', runBusybox),
  ...each(
    `chroot chrt doas dotenv dotenvx doppler faketime firejail flock ionice nice nohup op proot setarch
     setpriv setsid stdbuf strace su sudo systemd-run taskset time timeout unshare xargs xvfb-run
    aws-vault bwrap chpst cross-env direnv dumb-init entr env-cmd envchain gdb gosu infisical kubectl
    ld.so ld-linux-aarch64.so ld-linux-x86-64.so ld-musl-aarch64.so ld-musl-x86_64.so ltrace nsenter
    parallel perf pkexec runuser sops ssh su-exec tini unbuffer valgrind watch`,
    runLauncher,
  ),
  ...each(
    `bundle cargo composer conda corepack fnm go gradle gradlew hatch just make mamba micromamba mise mix
     mvn mvnw nix nix-shell nodemon nx pdm pipenv pixi pm2 poetry pyenv rake rbenv rye task tox turbo volta
     fastmcp flask gunicorn hypercorn mcp streamlit uvicorn vite-node
     awk csh elixir elvish emacs erl escript expect fish gawk groovy guile julia kotlin lua luajit nu
     osascript pwsh racket Rscript runghc sbcl scala swift tclsh tcsh wasmer wasmtime xonsh`,
    runUnfollowed,
  ),
  ...each('node nodejs', runNode),
  ['tsx', runTsx],
  ...each('ts-node ts-node-esm', runTsNode),
  ['bun', runBun],
  ['deno', runDeno],
  ...each('python pypy', runPython),
  ['ruby', runRuby],
  ['perl', runPerl],
  ['php', runPhp],
  ['java', runJava],
  ['dotnet', runDotnet],
  ...each('npx npx-cli.js', runNpx),
  ...each('npm npm-cli.js', runNpm),
  ...each('pnpm pnpm.cjs pnpm.mjs', runPnpm),
  ...each('pnpx pnpx.cjs pnpx.mjs', runPnpx),
  ...each('yarn yarnpkg yarn.js', runYarn),
  ['bunx', runNpx],
  ['uv', runUv],
  ['uvx', runUvx],
  ['pipx', runPipx],
  ...each('docker podman nerdctl', runContainer),
]);

/** What is known of a command of this name: `python3.12` is a `python`. */
export function findInterpreter(name: string): Interpreter | undefined {
  return interpreters.get(name) ?? interpreters.get(name.replace(/[-.]?\d+(?:\.\d+)*t?$/, ''));
}

function each(names: string, interpreter: Interpreter): [string, Interpreter][] {
  return names
    .trim()
    .split(/\s+/)
    .map((name) => [name, interpreter]);
}
