import { dirname, join, resolve } from 'node:path';
import type { Interpreter, Trail } from './interpreter.ts';
import { findUpwards, isFile, namesIn, readText } from './on-disk.ts';
import { has, scan, valueOf, valuesOf, words, type Grammar } from './options.ts';
import { pythonSpec } from './package-spec.ts';
import { freeText, unknownOption } from './shell-programs.ts';

const uv: Grammar = {
  values: words(`
    --from --with -w --with-editable --with-requirements -p --python --index --default-index -i --index-url
    --extra-index-url -f --find-links --cache-dir --directory --project --config-file --refresh-package
    -P --upgrade-package --reinstall-package --link-mode --prerelease --resolution --exclude-newer
    --index-strategy --keyring-provider --color --allow-insecure-host --env-file -c --constraints --overrides
    -b --build-constraints --python-platform --torch-backend --no-binary-package --no-build-package
    --no-build-isolation-package -C --config-setting --fork-strategy --extra --no-extra --group --no-group
    --only-group --package --max-recursion-depth --python-preference
  `),
  isFlag: (name) =>
    name.startsWith('--no-') ||
    /^-[qvnUsm]$/.test(name) ||
    /^--(?:quiet|verbose|offline|upgrade|refresh|reinstall|isolated|native-tls|system-certs|managed-python|compile-bytecode|lfs|active|all-extras|all-groups|all-packages|dev|only-dev|exact|frozen|locked|script|gui-script|module|show-resolution|preview)$/.test(
      name,
    ),
};

export const runUvx: Interpreter = async (trail, args, running) => {
  trail.needFolder();
  trail.needPath();
  const found = scan(args, uv);
  const [command, ...rest] = found.rest;
  if (found.unknown !== undefined) return unknownOption(trail, running.name, found.unknown);
  if (command === undefined) return freeText(trail, running.name);
  enter(trail, valueOf(found, '--directory'));
  const from = valueOf(found, '--from');
  const spec = pythonSpec(from ?? command);
  trail.pin(from ?? command, spec);
  pinOthers(trail, valuesOf(found.options, ['--with', '-w']));
  if (has(found, '--with-requirements', '--with-editable')) {
    trail.limit('what --with-requirements and --with-editable name is not followed');
  }
  const bin = from === undefined ? spec.name : command;
  // A tool that is installed is run from where it is; the cache of others has names of uv's own.
  const data = trail.variable('XDG_DATA_HOME') ?? join(trail.home, '.local', 'share');
  const tools = trail.variable('UV_TOOL_DIR') ?? join(data, 'uv', 'tools');
  await runTool(trail, running.name, spec, join(tools, normal(spec.name)), bin, rest);
};

export const runPipx: Interpreter = async (trail, args, running) => {
  const pipx: Grammar = {
    values: words(
      '--spec --python --pip-args --index-url -i --fetch-missing-python --with --backend',
    ),
    isFlag: (name) => /^--(?:no-cache|pypackages|verbose|quiet|system-site-packages)$/.test(name),
  };
  const [verb, ...others] = args;
  if (verb !== 'run') return freeText(trail, `pipx ${verb ?? ''}`.trimEnd());
  trail.needFolder();
  trail.needPath();
  const found = scan(others, pipx);
  const [command, ...rest] = found.rest;
  if (found.unknown !== undefined) return unknownOption(trail, running.name, found.unknown);
  if (command === undefined) return freeText(trail, 'pipx run');
  const text = valueOf(found, '--spec') ?? command;
  const spec = pythonSpec(text);
  trail.pin(text, spec);
  pinOthers(trail, valuesOf(found.options, ['--with']));
  const data = trail.variable('XDG_DATA_HOME') ?? join(trail.home, '.local', 'share');
  const home = trail.variable('PIPX_HOME') ?? join(data, 'pipx');
  const tools = join(home, 'venvs');
  await runTool(trail, 'pipx run', spec, join(tools, normal(spec.name)), command, rest);
};

/** A package in an environment of its own: its program, and the list of its files with their digests. */
async function runTool(
  trail: Trail,
  runner: string,
  spec: { name: string; pinned?: string },
  environment: string,
  bin: string,
  args: readonly string[],
): Promise<void> {
  const path = join(environment, 'bin', bin);
  const record = isFile(path) ? findRecord(environment, spec.name) : undefined;
  const isUsed = record !== undefined && (spec.pinned ?? record.version) === record.version;
  trail.setPackage({ runner, ...spec, ...(isUsed ? { installed: record.version } : {}) });
  if (!isUsed) return;
  await trail.addIfThere('package', record.path);
  await trail.follow('package', path, args, bin);
}

function findRecord(
  environment: string,
  name: string,
): { path: string; version: string } | undefined {
  const library = join(environment, 'lib');
  for (const python of namesIn(library).filter((each) => each.startsWith('python'))) {
    const packages = join(library, python, 'site-packages');
    for (const folder of namesIn(packages)) {
      const [, found, version] = /^(.+?)-(\d.*)\.dist-info$/.exec(folder) ?? [];
      if (found === undefined || version === undefined || normal(found) !== normal(name)) continue;
      return { path: join(packages, folder, 'RECORD'), version };
    }
  }
  return undefined;
}

/** `uv run` runs in the project's environment, which uv.lock describes. */
export const runUv: Interpreter = async (trail, args, running) => {
  const outer = scan(args, uv);
  const [verb, ...others] = outer.rest;
  const options = args.slice(0, args.length - outer.rest.length);
  if (outer.unknown !== undefined) return unknownOption(trail, running.name, outer.unknown);
  if (verb === 'tool' && others[0] === 'run') {
    return runUvx(trail, [...options, ...others.slice(1)], { ...running, name: 'uv tool run' });
  }
  if (verb !== 'run') return freeText(trail, `uv ${verb ?? ''}`.trimEnd());
  trail.needFolder();
  trail.needPath();
  const found = scan([...options, ...others], uv);
  // --active takes an environment that only the caller's terminal knows.
  const unknown = found.unknown ?? (has(found, '--active') ? '--active' : undefined);
  if (unknown !== undefined) return unknownOption(trail, 'uv run', unknown);
  enter(trail, valueOf(found, '--directory'));
  for (const file of valuesOf(found.options, ['--env-file'])) {
    await trail.addIfThere('preload', trail.resolve(file));
  }
  const project = valueOf(found, '--project');
  await addProject(trail, project === undefined ? trail.folder : trail.resolve(project));
  const [first] = valuesOf(found.options, ['--with', '-w']);
  if (first !== undefined) trail.setPackage({ runner: 'uv run', ...pythonSpec(first) });
  pinOthers(trail, valuesOf(found.options, ['--with', '-w']));
  if (has(found, '--with-requirements', '--with-editable')) {
    trail.limit('what --with-requirements and --with-editable name is not followed');
  }
  const [command, ...rest] = found.rest;
  if (command === undefined) return freeText(trail, 'uv run');
  await runInProject(trail, found, command, rest, project);
};

async function runInProject(
  trail: Trail,
  found: ReturnType<typeof scan>,
  command: string,
  rest: readonly string[],
  project: string | undefined,
): Promise<void> {
  const root = findUpwards(
    project === undefined ? trail.folder : trail.resolve(project),
    'pyproject.toml',
  );
  const base = root === undefined ? trail.folder : dirname(root);
  const place = trail.variable('UV_PROJECT_ENVIRONMENT') ?? '.venv';
  const environment = join(resolve(base, place), 'bin');
  const python = join(environment, 'python');
  await trail.addIfThere('interpreter', python);
  if (has(found, '-m', '--module')) {
    return trail.read(['-m', command, ...rest], {
      name: 'python',
      path: python,
      role: 'interpreter',
    });
  }
  const isScript = has(found, '-s', '--script') || /\.pyw?$/.test(command);
  if (isScript) {
    const path = trail.resolve(command);
    await trail.add('script', path, 'script of uv run');
    const needs = /^# \/\/\/ script\s*$/m.test(readText(path) ?? '');
    if (needs && !isFile(`${path}.lock`))
      trail.limit(`the packages that ${command} names are not locked`);
    return trail.addIfThere('package', `${path}.lock`);
  }
  const bin = command.includes('/') ? trail.resolve(command) : join(environment, command);
  if (isFile(bin)) return trail.follow('script', bin, rest, command);
  if (/^python[\d.]*$/.test(command)) {
    return trail.read(rest, { name: 'python', path: python, role: 'interpreter' });
  }
  trail.limit(`${command} is not in the environment of the project yet`);
}

async function addProject(trail: Trail, folder: string): Promise<void> {
  const project = findUpwards(folder, 'pyproject.toml');
  if (project === undefined) return;
  const lock = join(dirname(project), 'uv.lock');
  await trail.addIfThere('package', project);
  await trail.addIfThere('package', lock);
  if (!isFile(lock)) trail.limit(`the packages of ${project} are not locked`);
}

function pinOthers(trail: Trail, texts: readonly string[]): void {
  for (const text of texts.flatMap((each) => each.split(','))) trail.pin(text, pythonSpec(text));
}

function enter(trail: Trail, folder: string | undefined): void {
  if (folder !== undefined) trail.enter(folder);
}

/** As the package index compares names. */
function normal(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]+/g, '-');
}
