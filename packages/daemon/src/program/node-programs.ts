import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Interpreter, Trail } from './interpreter.ts';
import { nodeFlags, nodeValues } from './node-options.ts';
import { runNpx } from './npm-runners.ts';
import { npmSpec } from './package-spec.ts';
import { findUpwards, isFile, kindOf, readMembers } from './on-disk.ts';
import { has, scan, valueOf, valuesOf, words, type Grammar, type Scan } from './options.ts';
import { freeText, fromStdin, unknownOption } from './shell-programs.ts';

const isNodeFlag = (name: string): boolean => nodeFlags.has(name) || name.startsWith('--no-');

const node: Grammar = {
  values: nodeValues,
  optional: words('-p --print'),
  isFlag: isNodeFlag,
};
const inline = ['-e', '--eval', '-p', '--print', '-pe'];
const preloads = ['-r', '--require', '--import', '--loader', '--experimental-loader'];
const preloadedFiles = [
  '--env-file',
  '--env-file-if-exists',
  '--experimental-config-file',
  '--snapshot-blob',
  '--openssl-config',
];

export const runNode: Interpreter = async (trail, args, { name, path, role }) => {
  const found = scan(args, node);
  await preload(trail, found);
  if (found.unknown !== undefined) return unknownOption(trail, name, found.unknown);
  if (has(found, '--test', '--run', '--entry-url')) {
    trail.needFolder();
    return trail.limit(`what ${name} runs with --test, --run or --entry-url is not followed`);
  }
  if (has(found, ...inline)) return trail.needFolder();
  const [script, ...rest] = found.rest;
  if (script === undefined || script === '-') return fromStdin(trail, name);
  if (script === 'inspect') return runNode(trail, rest, { name, path, role });
  // A slash at its end says that it is a folder.
  const isFolder = /(?:^|\/)\.{0,2}$/.test(script);
  const main = mainFile(trail.resolve(script), isFolder);
  const one = await trail.add('script', main, `script of ${name}`);
  // `node …/npx-cli.js` is npx; a script that was found by its first line is read by its own name.
  if (one === undefined) return;
  const [, tool] = /\/node_modules\/(tsx|ts-node)\//.exec(main) ?? [];
  await trail.read(rest, { name: tool ?? basename(main), path: main, role: 'script' });
};

/** What is loaded before the program: by options, and by `NODE_OPTIONS`. */
async function preload(trail: Trail, found: Scan): Promise<void> {
  const text = trail.variable('NODE_OPTIONS') ?? '';
  const given = text.split(' ').filter((word) => word !== '');
  const fromEnvironment = scan(given, node);
  // Quotes, and whatever ends the options for us and not for Node.
  if (
    /["\\]/.test(text) ||
    fromEnvironment.unknown !== undefined ||
    fromEnvironment.rest.length > 0
  ) {
    trail.limit('what NODE_OPTIONS loads is not known');
  }
  for (const { options } of [fromEnvironment, found]) {
    for (const module of valuesOf(options, preloads)) await preloadModule(trail, module);
    for (const file of valuesOf(options, preloadedFiles)) {
      await trail.addIfThere('preload', trail.resolve(file));
    }
    if (has({ options, rest: [] }, '--experimental-default-config-file')) {
      await trail.addIfThere('preload', trail.resolve('node.config.json'));
    }
  }
}

/** A path, or a package: of that its manifest, which names its version and what it loads. */
async function preloadModule(trail: Trail, module: string): Promise<void> {
  if (/^(?:node|data):/.test(module)) return;
  if (module.startsWith('file:')) return trail.addIfThere('preload', pathOfUrl(module));
  if (/^\.{0,2}\//.test(module)) {
    return trail.addIfThere('preload', mainFile(trail.resolve(module)));
  }
  trail.needFolder();
  const packageName = module.split('/').slice(0, module.startsWith('@') ? 2 : 1);
  const manifest = findUpwards(trail.folder, 'node_modules', ...packageName, 'package.json');
  if (manifest === undefined) return trail.limit(`the module ${module} was not found`);
  await trail.addIfThere('preload', manifest);
}

/** Text that is no address of a file here is no file either. */
function pathOfUrl(url: string): string {
  try {
    return fileURLToPath(url);
  } catch {
    return url;
  }
}

/** The file that Node runs for a path: itself, with an extension, or what a folder names. */
function mainFile(path: string, mustBeFolder = false): string {
  if (isFile(path)) return path;
  const isFolder = kindOf(path) === 'folder';
  const main = isFolder ? readMembers(join(path, 'package.json'))?.['main'] : undefined;
  const ends = ['.js', '.json', '.node'];
  const withEnds = (base: string): string[] => ends.map((end) => base + end);
  const candidates = [
    ...(isFolder && mustBeFolder ? [] : withEnds(path)),
    ...(typeof main === 'string'
      ? [join(path, main), ...withEnds(join(path, main)), ...withEnds(join(path, main, 'index'))]
      : []),
    ...(isFolder ? withEnds(join(path, 'index')) : []),
  ];
  return candidates.find(isFile) ?? path;
}

const tsx: Grammar = {
  ...node,
  values: new Set([...nodeValues, '--tsconfig', '--include', '--exclude', '--ignore']),
  isFlag: (name) => isNodeFlag(name) || name === '--clear-screen',
};

export const runTsx: Interpreter = async (trail, args, running) => {
  const isWatch = args[0] === 'watch';
  await runTypeScript(trail, isWatch ? args.slice(1) : args, tsx, running.name);
};

const tsNode: Grammar = {
  values: words(`
    -e --eval -r --require -P --project -C --compiler -I --ignore -O --compiler-options --compilerOptions
    -D --ignore-diagnostics --ignoreDiagnostics --cwd --dir --scope-dir --scopeDir
    --experimental-specifier-resolution
  `),
  optional: words('-p --print'),
  isFlag: (name) =>
    /^-[iTHhvS]$/.test(name) ||
    /^--(?:esm|files|swc|transpile-?only|type-?check|pretty|emit|scope|skip-?project|skip-?ignore|prefer-?ts-?exts|log-?error|compiler-?host|no-experimental-repl-await|cwd-mode|script-mode)$/i.test(
      name,
    ),
};

export const runTsNode: Interpreter = (trail, args, { name }) =>
  runTypeScript(trail, args, tsNode, name);

async function runTypeScript(
  trail: Trail,
  args: readonly string[],
  grammar: Grammar,
  name: string,
): Promise<void> {
  const found = scan(args, grammar);
  await preload(trail, found);
  if (found.unknown !== undefined) return unknownOption(trail, name, found.unknown);
  for (const file of valuesOf(found.options, ['--tsconfig', '-P', '--project'])) {
    await trail.addIfThere('preload', trail.resolve(file));
  }
  const folder = valueOf(found, '--cwd', '--dir');
  if (folder !== undefined) trail.enter(folder);
  // Of tsconfig.json there, `paths` says what a module's name stands for.
  trail.needFolder();
  const settings = findUpwards(trail.folder, 'tsconfig.json');
  if (settings !== undefined) await trail.addIfThere('preload', settings);
  if (has(found, ...inline)) return;
  const [script] = found.rest;
  if (script === undefined || script === '-') return fromStdin(trail, name);
  await trail.add('script', withExtension(trail.resolve(script)), `script of ${name}`);
}

function withExtension(path: string): string {
  const ends = ['', '.ts', '.tsx', '.mts', '.cts', '.js', '.mjs', '/index.ts', '/index.js'];
  return ends.map((end) => path + end).find(isFile) ?? path;
}

const bun: Grammar = {
  values: words(`
    -r --preload --require --import -e --eval -p --print --cwd --env-file --tsconfig-override -d --define
    --drop -l --loader --main-fields --extension-order --jsx-factory --jsx-fragment --jsx-import-source
    --jsx-runtime --conditions --port --install --title --shell --filter -F --user-agent --dns-result-order
  `),
  isFlag: (name) =>
    /^-[bi]$/.test(name) ||
    name.startsWith('--no-') ||
    /^--(?:bun|hot|watch|smol|silent|inspect|inspect-wait|inspect-brk|prefer-offline|prefer-latest|expose-gc|throw-deprecation|if-present|zero-fill-buffers|preserve-symlinks|preserve-symlinks-main|use-system-ca|use-bundled-ca|use-openssl-ca)$/.test(
      name,
    ),
};

export const runBun: Interpreter = async (trail, args, running) => {
  const { name } = running;
  const found = scan(args, bun);
  await preload(trail, found);
  for (const file of valuesOf(found.options, ['--preload'])) await preloadModule(trail, file);
  if (found.unknown !== undefined) return unknownOption(trail, name, found.unknown);
  const folder = valueOf(found, '--cwd');
  if (folder !== undefined) trail.enter(folder);
  // It names files that are loaded first.
  trail.needFolder();
  await trail.addIfThere('preload', trail.resolve('bunfig.toml'));
  if (has(found, '-e', '--eval', '-p', '--print')) return;
  const [first, ...rest] = found.rest;
  if (first === 'x') return runNpx(trail, rest, { ...running, name: 'bunx' });
  if (first === 'run') return runBun(trail, rest, running);
  if (first === undefined || first === '-') return fromStdin(trail, name);
  const path = trail.resolve(first);
  // Without a path or an extension it may be a script of package.json.
  if (!/[./]/.test(first) || !isFile(withExtension(path)))
    return freeText(trail, `${name} ${first}`);
  await trail.add('script', withExtension(path), `script of ${name}`);
};

const deno: Grammar = {
  values: words(`
    -c --config --import-map --lock --cert --location --seed -L --log-level --preload --import --require
    --ext --unsafely-ignore-certificate-errors --conditions
  `),
  isFlag: (name) =>
    /^-[AqrREWNSPI]$/.test(name) ||
    name.startsWith('--allow-') ||
    name.startsWith('--deny-') ||
    name.startsWith('--no-') ||
    name.startsWith('--unstable') ||
    /^--(?:quiet|reload|cached-only|check|frozen|inspect|inspect-brk|inspect-wait|watch|watch-hmr|node-modules-dir|vendor|env-file|tunnel|permission-set|minimum-dependency-age)$/.test(
      name,
    ),
};

export const runDeno: Interpreter = async (trail, args, { name }) => {
  const outer = scan(args, deno);
  const isRun = outer.rest[0] === 'run' || outer.rest[0] === 'serve';
  const found = isRun ? scan(outer.rest.slice(1), deno) : outer;
  const unknown = outer.unknown ?? found.unknown;
  if (unknown !== undefined) return unknownOption(trail, name, unknown);
  const options = [...outer.options, ...found.options];
  for (const file of valuesOf(options, ['-c', '--config', '--import-map', '--lock', '--cert'])) {
    await trail.addIfThere('preload', trail.resolve(file));
  }
  for (const module of valuesOf(options, ['--preload', '--import', '--require'])) {
    await preloadModule(trail, module);
  }
  const [script] = found.rest;
  if (script === 'eval') return trail.needFolder();
  if (script === undefined || script === '-') return fromStdin(trail, name);
  const [, scheme, text] = /^(npm|jsr|https?):(.+)$/.exec(script) ?? [];
  if (scheme !== undefined && text !== undefined) {
    trail.needFolder();
    trail.needPath();
    // Behind the version may stand what of the package is run.
    const [asked = text] = /^(?:@[^/]+\/)?[^/]+/.exec(text.replace(/^\//, '')) ?? [];
    const spec = /^https?$/.test(scheme) ? { name: script } : npmSpec(asked);
    trail.setPackage({ runner: name, ...spec });
    return trail.pin(spec.name === script ? script : asked, spec);
  }
  const path = trail.resolve(script);
  if (!isRun && !isFile(path)) return freeText(trail, `${name} ${script}`);
  const file = script.startsWith('file:') ? pathOfUrl(script) : path;
  // Its imports are mapped by the configuration beside it.
  const config = ['deno.json', 'deno.jsonc'].map((each) => join(dirname(file), each)).find(isFile);
  await trail.add('script', file, `script of ${name}`);
  if (config !== undefined) await trail.addIfThere('preload', config);
};
