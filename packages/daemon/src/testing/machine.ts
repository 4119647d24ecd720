import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { createDigests } from '../program/digests.ts';
import type { Program } from '../program/interpreter.ts';
import { createPrograms } from '../program/program.ts';

/**
 * A machine in a folder: `bin` is PATH, `srv` the working folder, `home` the user's. The programs in
 * `bin` are never run, so a file of one line stands for each.
 */
export interface Machine {
  readonly root: string;
  put(path: string, content: string, mode?: number): void;
  /** `ROOT` in the line and in the variables stands for the folder. */
  examine(line: string | readonly string[], variables?: Record<string, string>): Promise<Program>;
  /** `role path` of each file, of what lies in the folder; others by their whole path. */
  listed(program: Program): string[];
  remove(): void;
}

const files: Record<string, string> = {
  'srv/server.js': 'server',
  'srv/start.mjs': 'start',
  'srv/hook.js': 'hook',
  'srv/dot.env': 'A=b',
  'srv/server.ts': 'server',
  'srv/server.py': 'server',
  'srv/run.sh': 'true',
  'srv/app.rb': 'app',
  'srv/app.jar': 'PK',
  'srv/agent.jar': 'PK',
  'srv/app.dll': 'MZ',
  'srv/folder/package.json': '{"main":"main"}',
  'srv/folder/main.js': 'main',
  'srv/package/__init__.py': '',
  'srv/package/__main__.py': 'main',
  'srv/package/inner.py': 'inner',
  'srv/zip/__main__.py': 'main',
  'srv/node_modules/loader/package.json': '{"version":"1.0.0"}',
  'srv/node_modules/.package-lock.json': '{}',
  'srv/node_modules/tool/package.json': '{"version":"2.0.0","bin":{"tool":"cli.js"}}',
  'srv/node_modules/tool/cli.js': 'cli',
  'srv/node_modules/.bin/tool': 'cli',
  'srv/node_modules/.bin/tsx': 'tsx',
  'srv/project/pyproject.toml': '[project]',
  'srv/project/uv.lock': 'version = 1',
  'srv/project/server.py': 'server',
  'srv/project/.venv/pyvenv.cfg': 'version = 3.12.1',
  'srv/project/.venv/bin/python': 'python',
  'srv/project/.venv/bin/serve': 'serve',
  'srv/project/.venv/lib/python3.12/site-packages/served/__main__.py': 'served',
  'srv/project/.venv/lib/python3.12/site-packages/linked.pth': '../../../../src\nimport sys\n',
  'srv/project/src/editable.py': 'editable',
  'srv/loose/pyproject.toml': '[project]',
  'lib/module.py': 'module',
  'home/.local/share/uv/tools/mcp-server-git/bin/mcp-server-git': 'git',
  'home/.local/share/uv/tools/mcp-server-git/lib/python3.12/site-packages/mcp_server_git-2.0.0.dist-info/RECORD':
    'record',
};
const bins =
  `node nodejs nodejs20 npx npm pnpm yarn bun deno python3 python3.12 sh bash ruby perl php java dotnet env
  uvx uv pipx docker timeout busybox plain`.split(/\s+/);

export function createMachine(): Machine {
  const root = mkdtempSync(join(tmpdir(), 'mcp-program-'));
  const programs = createPrograms(createDigests());
  const machine: Machine = {
    root,
    put(path, content, mode = 0o644) {
      const whole = join(root, path);
      mkdirSync(dirname(whole), { recursive: true });
      writeFileSync(whole, content);
      chmodSync(whole, mode);
    },
    async examine(line, variables = {}) {
      const words = typeof line === 'string' ? line.split(' ') : line;
      const [command = '', ...args] = words.map((word) => word.replaceAll('ROOT', root));
      return programs.examine({
        command,
        args,
        searchPath: join(root, 'bin'),
        workingDirectory: join(root, 'srv'),
        variable: (name) => variables[name]?.replaceAll('ROOT', root),
        home: join(root, 'home'),
      });
    },
    listed: ({ files: found }) =>
      found.map(({ role, path }) => {
        const inside = relative(root, path);
        return `${role} ${inside.startsWith('..') ? path : inside}`;
      }),
    remove: () => {
      rmSync(root, { recursive: true });
    },
  };
  fill(machine);
  return machine;
}

function fill({ root, put }: Machine): void {
  const elf = '\u007fELF ';
  for (const name of bins) put(`bin/${name}`, elf + name, 0o755);
  for (const [path, content] of Object.entries(files)) put(path, elf + content, 0o755);
  for (const path of Object.keys(files).filter((each) => /\.(?:json|cfg|toml|pth)$/.test(each))) {
    put(path, files[path] ?? '');
  }
  put('bin/script', `#!${root}/bin/node --no-warnings\n`, 0o755);
  put('bin/by-env', `#!${root}/bin/env node\n`, 0o755);
  put('bin/by-env-split', `#!${root}/bin/env -S node --require ./hook.js\n`, 0o755);
  put('bin/text', 'echo no first line\n', 0o755);
  put('bin/lost', `#!${root}/bin/none\n`, 0o755);
  put('srv/local', `#!${root}/bin/sh\n`, 0o755);
  put('srv/loose/server.py', 'x');
  put('srv/inline.py', '# /// script\n# dependencies = ["x"]\n# ///\n');
  symlinkSync(join(root, 'bin', 'node'), join(root, 'bin', 'linked-node'));
}
