import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepared, type Prepared } from './prepared.ts';

const file = fileURLToPath(new URL('requirements.txt', import.meta.url));
const requirements = readFileSync(file, 'utf8');
const interpreter = spawnSync('python3', ['-c', 'import sys; print(sys.executable, sys.version)']);

/** The Python SDK and servers, and uv, in an environment of their own; with what `uvx` has to fetch. */
export const python: Prepared = prepared(
  'python',
  'the packages of test/services/requirements.txt',
  [requirements, String(interpreter.stdout)],
  (folder) => [
    { says: 'make an environment', command: 'python3', args: ['-m', 'venv', folder] },
    {
      // What is built from source runs a script at its install.
      says: `install ${requirements.match(/==/gu)?.length ?? 0} packages`,
      command: join(folder, 'bin', 'pip'),
      args: ['install', '--quiet', '--only-binary=:all:', '--requirement', file],
    },
    ...['mcp-server-time', 'mcp-server-git'].map((name) => ({
      says: `fetch ${name} for uvx`,
      command: join(folder, 'bin', 'uvx'),
      args: [pinned(name), '--help'],
      env: uvEnvironment(folder),
    })),
  ],
);

/** `name==version`, as it is pinned. */
export function pinned(name: string): string {
  const line = requirements.split('\n').find((each) => each.startsWith(`${name}==`));
  if (line === undefined) throw new Error(`${name} is not in ${file}`);
  return line;
}

/** A program of the environment. */
export function pythonProgram(name: string): string {
  return join(python.folder, 'bin', name);
}

/** With these `uvx` needs no network once the environment is made. */
export function uvxEnvironment(): Record<string, string> {
  return { ...uvEnvironment(python.folder), UV_OFFLINE: '1' };
}

function uvEnvironment(folder: string): Record<string, string> {
  return {
    UV_CACHE_DIR: join(folder, 'uv-cache'),
    UV_CONSTRAINT: file,
    UV_NO_CONFIG: '1',
    UV_PYTHON: join(folder, 'bin', 'python'),
    UV_PYTHON_DOWNLOADS: 'never',
    // Those of the machine, as pip takes them, and not uv's own.
    UV_SYSTEM_CERTS: '1',
  };
}
