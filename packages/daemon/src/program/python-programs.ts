import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { realpathSync } from 'node:fs';
import type { Interpreter, Running, Trail } from './interpreter.ts';
import { isFile, kindOf, namesIn, readText } from './on-disk.ts';
import { has, scan, valueOf, words, type Grammar, type Scan } from './options.ts';
import { fromStdin, unknownOption } from './shell-programs.ts';

const python: Grammar = {
  values: words('-c -m -W -X --check-hash-based-pycs'),
  isFlag: (name) =>
    /^-[bBdEhiIOPqRsStuvVx?]$/.test(name) || /^--(?:help|help-all|help-env|version)$/.test(name),
  clusters: true,
  last: words('-c -m'),
};

export const runPython: Interpreter = async (trail, args, running) => {
  const { name } = running;
  const found = scan(args, python);
  if (found.unknown !== undefined) return unknownOption(trail, name, found.unknown);
  if (has(found, '-c')) return trail.needFolder();
  const module = valueOf(found, '-m');
  if (module !== undefined) return runModule(trail, module, found, running);
  const [script] = found.rest;
  if (script === undefined || script === '-') return fromStdin(trail, name);
  const path = trail.resolve(script);
  const isFolder = kindOf(path) === 'folder';
  await trail.add('script', isFolder ? join(path, '__main__.py') : path, `script of ${name}`);
};

/** What `python -m NAME` runs: the packages it lies in, from the outermost, then the module. */
async function runModule(
  trail: Trail,
  module: string,
  found: Scan,
  running: Running,
): Promise<void> {
  trail.needFolder();
  const parts = module.split('.');
  const folders = modulePath(trail, found, running);
  const [first = ''] = parts;
  // A folder without __init__.py counts only where nothing else has the name.
  const owner = folders.find((folder) => isModule(join(folder, first)));
  for (const folder of owner === undefined ? folders : [owner]) {
    const files = findModule(folder, parts);
    if (files === undefined) continue;
    for (const [at, file] of files.entries()) {
      await trail.addIfThere(at === files.length - 1 ? 'script' : 'preload', file);
    }
    return;
  }
  trail.limit(`the module ${module} was not found where ${running.name} looks for it`);
}

function isModule(path: string): boolean {
  return isFile(join(path, '__init__.py')) || isFile(`${path}.py`);
}

function findModule(folder: string, parts: readonly string[]): readonly string[] | undefined {
  const [first = '', ...others] = parts;
  const inner = join(folder, first);
  const initial = join(inner, '__init__.py');
  const before = isFile(initial) ? [initial] : [];
  const isPackage = before.length > 0 || !isFile(`${inner}.py`);
  if (others.length > 0) {
    if (!isPackage || kindOf(inner) !== 'folder') return undefined;
    const rest = findModule(inner, others);
    return rest === undefined ? undefined : [...before, ...rest];
  }
  const main = join(inner, '__main__.py');
  if (isPackage && isFile(main)) return [...before, main];
  return isPackage ? undefined : [`${inner}.py`];
}

/** Where modules are looked for, in order (`sys.path`), as far as it can be told from outside. */
function modulePath(trail: Trail, found: Scan, running: Running): readonly string[] {
  const isIsolated = has(found, '-I');
  const usesEnvironment = !isIsolated && !has(found, '-E');
  const variable = (name: string): string => (usesEnvironment ? (trail.variable(name) ?? '') : '');
  const isSafe = isIsolated || has(found, '-P') || variable('PYTHONSAFEPATH') !== '';
  const pythonPath = variable('PYTHONPATH')
    .split(':')
    .filter((folder) => folder !== '');
  const withUserSite = !isIsolated && !has(found, '-s') && variable('PYTHONNOUSERSITE') === '';
  return [
    ...(isSafe ? [] : [trail.folder]),
    ...pythonPath.map((folder) => trail.resolve(folder)),
    ...libraries(trail, running.path, withUserSite, variable('PYTHONHOME')),
  ];
}

/** The standard library, then what is installed: in the virtual environment, or for user and system. */
function libraries(
  trail: Trail,
  executable: string,
  withUserSite: boolean,
  pythonHome: string,
): readonly string[] {
  const environment = [dirname(executable), dirname(dirname(executable))].find((folder) =>
    isFile(join(folder, 'pyvenv.cfg')),
  );
  const real = realPathOf(executable);
  const prefix = pythonHome === '' ? dirname(dirname(real)) : (pythonHome.split(':')[0] ?? '');
  const version =
    /^(?:python|pypy)(\d+\.\d+)/.exec(basename(real))?.[1] ??
    namesIn(join(environment ?? prefix, 'lib'))
      .map((name) => /^python(\d+\.\d+)$/.exec(name)?.[1])
      .find((each) => each !== undefined);
  if (version === undefined) return [];
  const [major = ''] = version.split('.');
  const standard = join(prefix, 'lib', `python${version}`);
  const installed = (root: string): string[] => [
    join(root, 'lib', `python${version}`, 'site-packages'),
  ];
  const system = [
    ...(withUserSite ? installed(join(trail.home, '.local')) : []),
    `/usr/local/lib/python${version}/dist-packages`,
    ...installed(prefix),
    join(prefix, 'lib', `python${major}`, 'dist-packages'),
  ];
  if (environment === undefined) return [standard, ...withLinked(system)];
  const configuration = readText(join(environment, 'pyvenv.cfg')) ?? '';
  const seesSystem = /^include-system-site-packages\s*=\s*true\s*$/im.test(configuration);
  return [standard, ...withLinked([...installed(environment), ...(seesSystem ? system : [])])];
}

/** Folders that `.pth` files add: what is installed to be worked on. */
function withLinked(folders: readonly string[]): readonly string[] {
  return folders.flatMap((folder) => {
    const linked = namesIn(folder)
      .filter((name) => name.endsWith('.pth'))
      .flatMap((name) => (readText(join(folder, name)) ?? '').split('\n'))
      .map((line) => line.trim())
      .filter((line) => line !== '' && !/^(?:#|import\s)/.test(line));
    return [folder, ...linked.map((line) => (isAbsolute(line) ? line : resolve(folder, line)))];
  });
}

function realPathOf(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return path;
  }
}
