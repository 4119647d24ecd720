import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { Interpreter, Running, Trail } from './interpreter.ts';
import { isFile, kindOf, readMembers, readText, upwards } from './on-disk.ts';
import { has, scan, valueOf, valuesOf, words, type Grammar } from './options.ts';
import { npmSpec } from './package-spec.ts';
import { freeText, unknownOption } from './shell-programs.ts';

const npm: Grammar = {
  values: words(`
    --package -p --call -c --cache --userconfig --globalconfig --registry --prefix -C --loglevel --shell
    --script-shell --workspace -w --node-options --tag --before --min-release-age --omit --include --proxy
    --https-proxy --noproxy --ca --cafile --cert --key --location --logs-dir --logs-max --maxsockets
    --fetch-retries --fetch-timeout --user-agent --install-strategy --allow-scripts --filter --dir -F
    --config-dir --reporter --store-dir
  `),
  isFlag: (name) =>
    name.startsWith('--no-') ||
    /^-(?:y|n|q|s|d|dd|ddd|f|g|l|ws|iwr|B)$/.test(name) ||
    /^--(?:yes|quiet|silent|verbose|offline|prefer-offline|prefer-online|prefer-dedupe|ignore-scripts|force|global|workspaces|include-workspace-root|foreground-scripts|audit|fund|package-lock|legacy-peer-deps|strict-peer-deps|strict-ssl|color|json|long|progress|update-notifier|bun|shell-mode|reverse|recursive|parallel|stream|if-present)$/.test(
      name,
    ),
};

export const runNpx: Interpreter = async (trail, args, running) => {
  trail.needFolder();
  trail.needPath();
  const found = scan(args, npm);
  if (found.unknown !== undefined) return unknownOption(trail, running.name, found.unknown);
  if (has(found, '--call', '-c')) return freeText(trail, `${running.name} --call`);
  // Each of these moves the folder whose packages count.
  if (
    has(found, '--prefix', '-C', '--workspace', '-w', '--workspaces', '-ws', '--dir', '--filter')
  ) {
    return unknownOption(trail, running.name, '--prefix');
  }
  // It may say which cache and which options for Node.
  await trail.addIfThere('preload', projectFile(trail));
  const packages = valuesOf(found.options, ['--package', '-p']);
  const cache = valueOf(found, '--cache') ?? npmCache(trail);
  await fetchAndRun(trail, running, packages, found.rest, cache);
};

/** What `npx` and its like run: a bin of the local packages, else one of the cache. */
async function fetchAndRun(
  trail: Trail,
  { name, role }: Running,
  packages: readonly string[],
  [command, ...rest]: readonly string[],
  cache: string,
): Promise<void> {
  const runner = name.startsWith('npx') ? 'npx' : name;
  const specs = packages.length > 0 ? packages : command === undefined ? [] : [command];
  const [first] = specs;
  if (first === undefined || command === undefined) return freeText(trail, runner);
  const isByName = packages.length === 0;
  const local = isByName ? localBin(trail, command) : undefined;
  if (local !== undefined) {
    trail.setPackage({ runner, ...npmSpec(command), ...installedOf(local.folder, command) });
    await trail.addIfThere('package', join(local.folder, '.package-lock.json'));
    return trail.follow('package', local.path, rest, command);
  }
  const found = npmSpec(first);
  for (const spec of specs) trail.pin(spec, npmSpec(spec));
  const folder = placeOf(trail, runner, found, specs, cache);
  const bin = isByName ? binName(folder, found.name) : command;
  trail.setPackage({ runner, ...found, ...installedOf(folder, found.name) });
  const path = join(folder, '.bin', bin);
  await trail.addIfThere('package', join(folder, '.package-lock.json'));
  if (isFile(path)) await trail.follow('package', path, rest, bin);
  else await trail.read(rest, { name: bin, path, role });
}

/** The folder with the packages: the local one where it holds just this version, else that of the cache. */
function placeOf(
  trail: Trail,
  runner: string,
  { name, pinned }: { name: string; pinned?: string },
  specs: readonly string[],
  cache: string,
): string {
  const local = join(localPrefix(trail.folder), 'node_modules');
  if (pinned !== undefined && installedOf(local, name).installed === pinned) return local;
  // libnpmexec: the packages as typed, sorted, decide the folder. The others' caches are not read.
  const sorted = [...specs].sort((a, b) => a.localeCompare(b, 'en')).join('\n');
  const key = createHash('sha512').update(sorted).digest('hex').slice(0, 16);
  return join(cache, runner === 'npx' ? '_npx' : `no cache of ${runner}`, key, 'node_modules');
}

function localBin(trail: Trail, command: string): { folder: string; path: string } | undefined {
  if (command === '' || command.includes('/')) return undefined;
  const prefix = localPrefix(trail.folder);
  const bin = readMembers(join(prefix, 'package.json'))?.['bin'];
  if (typeof bin === 'object' && bin !== null && Object.hasOwn(bin, command)) {
    trail.limit(`${command} is run from package.json of the working folder`);
    return undefined;
  }
  return upwards(prefix)
    .map((each) => join(each, 'node_modules'))
    .map((folder) => ({ folder, path: join(folder, '.bin', command) }))
    .find(({ path }) => isFile(path));
}

/** The nearest folder that is a project, as npm sees it. */
function localPrefix(folder: string): string {
  const isProject = (each: string): boolean =>
    isFile(join(each, 'package.json')) || kindOf(join(each, 'node_modules')) === 'folder';
  return upwards(folder).find(isProject) ?? folder;
}

function installedOf(folder: string, name: string): { installed?: string } {
  const version = readMembers(join(folder, name, 'package.json'))?.['version'];
  return typeof version === 'string' ? { installed: version } : {};
}

/** The bin with the name of the package, or its only one. */
function binName(folder: string, name: string): string {
  const own = name.replace(/^@[^/]+\//, '');
  const bin = readMembers(join(folder, name, 'package.json'))?.['bin'];
  if (typeof bin !== 'object' || bin === null || Object.hasOwn(bin, own)) return own;
  const names = Object.keys(bin);
  return new Set(Object.values(bin)).size === 1 ? (names[0] ?? own) : own;
}

function projectFile(trail: Trail): string {
  return join(localPrefix(trail.folder), '.npmrc');
}

function npmCache(trail: Trail): string {
  const setting = (name: string): string | undefined =>
    trail.variable(`npm_config_${name}`) ?? trail.variable(`NPM_CONFIG_${name.toUpperCase()}`);
  const userFile = setting('userconfig') ?? join(trail.home, '.npmrc');
  const inFile = (file: string): string | undefined =>
    /^\s*cache\s*=(.*)$/m.exec(readText(file) ?? '')?.[1]?.trim();
  const given = setting('cache') ?? inFile(projectFile(trail)) ?? inFile(userFile);
  return given === undefined || given === '' ? join(trail.home, '.npm') : given;
}

/** `npm exec` and `npm x` are npx; all else runs what package.json says. */
export const runNpm: Interpreter = async (trail, args, running) => {
  const found = scan(args, npm);
  const [verb, ...rest] = found.rest;
  if (found.unknown !== undefined) return unknownOption(trail, running.name, found.unknown);
  if (verb !== 'exec' && verb !== 'x') return freeText(trail, `npm ${verb ?? ''}`.trimEnd());
  // npm reads options behind the name too, up to `--`.
  const own = rest.includes('--') ? rest.slice(0, rest.indexOf('--')) : rest;
  const inner = scan(own, npm);
  if (inner.unknown !== undefined || inner.rest.some((arg) => arg.startsWith('-'))) {
    return unknownOption(trail, running.name, 'behind the name');
  }
  const options = args.slice(0, args.indexOf(verb));
  await runNpx(trail, [...options, ...rest], { ...running, name: 'npx' });
};

export const runPnpx: Interpreter = (trail, args, running) =>
  runNpx(trail, args, { ...running, name: 'pnpm dlx' });

export const runPnpm: Interpreter = (trail, args, running) => runVerb(trail, args, running, 'pnpm');

export const runYarn: Interpreter = (trail, args, running) => runVerb(trail, args, running, 'yarn');

async function runVerb(
  trail: Trail,
  args: readonly string[],
  running: Running,
  program: string,
): Promise<void> {
  const found = scan(args, npm);
  const [verb, ...rest] = found.rest;
  if (found.unknown !== undefined) return unknownOption(trail, program, found.unknown);
  const options = args.slice(0, args.length - found.rest.length);
  if (verb === 'dlx') {
    return runNpx(trail, [...options, ...rest], { ...running, name: `${program} dlx` });
  }
  const [command, ...commandArgs] = rest[0] === '--' ? rest.slice(1) : rest;
  const bin = verb === 'exec' && command !== undefined ? localBin(trail, command) : undefined;
  if (bin === undefined || command === undefined || options.length > 0) {
    return freeText(trail, [program, verb].join(' ').trimEnd());
  }
  trail.needFolder();
  trail.needPath();
  await trail.addIfThere('package', join(dirname(bin.path), '..', '.package-lock.json'));
  await trail.follow('package', bin.path, commandArgs, command);
}
