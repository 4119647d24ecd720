import { isAbsolute, join } from 'node:path';
import type { Interpreter, Trail } from './interpreter.ts';
import { kindOf } from './on-disk.ts';
import { has, scan, valueOf, valuesOf, words, type Grammar, type Scan } from './options.ts';
import { fromStdin, unknownOption } from './shell-programs.ts';

const ruby: Grammar = {
  values: words('-I -E -r -e -C --encoding --external-encoding --internal-encoding'),
  isFlag: (name) =>
    /^-[wWvUdsnplacuhyS012]$/.test(name) ||
    /^--(?:jit|yjit|rjit|zjit|verbose|version|copyright|debug|help|(?:en|dis)able-[a-z-]+)$/.test(
      name,
    ),
  clusters: true,
};

export const runRuby: Interpreter = async (trail, args, { name }) => {
  const found = scan(args, ruby);
  if (found.unknown !== undefined) return unknownOption(trail, name, found.unknown);
  for (const folder of valuesOf(found.options, ['-C'])) trail.enter(folder);
  await preloadPaths(trail, valuesOf(found.options, ['-r']), '.rb');
  // -S looks in PATH.
  if (has(found, '-S')) return unknownOption(trail, name, '-S');
  await script(trail, found, name, '-e');
};

const perl: Grammar = {
  values: words('-I -e -E -M -m'),
  isFlag: (name) => /^-[wWtTuUXcsfnpav]$/.test(name) || name === '--version' || name === '--help',
  clusters: true,
};

export const runPerl: Interpreter = async (trail, args, { name }) => {
  const found = scan(args, perl);
  if (found.unknown !== undefined) return unknownOption(trail, name, found.unknown);
  await script(trail, found, name, '-e', '-E');
};

const php: Grammar = {
  values: words(
    '-c -d -f -r -B -R -F -E -S -t -z --php-ini --define --file --run --server --docroot',
  ),
  isFlag: (name) =>
    /^-[naqeCHhimvsw]$/.test(name) || name === '--no-php-ini' || name === '--version',
  clusters: true,
};

export const runPhp: Interpreter = async (trail, args, { name }) => {
  const found = scan(args, php);
  const unknown = found.unknown ?? (has(found, '-S', '--server') ? '--server' : undefined);
  if (unknown !== undefined) return unknownOption(trail, name, unknown);
  for (const file of valuesOf(found.options, ['-c', '--php-ini', '-z'])) {
    await trail.addIfThere('preload', trail.resolve(file));
  }
  const file = valueOf(found, '-f', '--file');
  const withFile = file === undefined ? found : { ...found, rest: [file] };
  await script(trail, withFile, name, '-r', '--run', '-R', '-B');
};

/** Follows the script, unless one of `inline` gives the text instead. */
async function script(
  trail: Trail,
  found: Scan,
  name: string,
  ...inline: readonly string[]
): Promise<void> {
  if (has(found, ...inline)) return trail.needFolder();
  const [path] = found.rest;
  if (path === undefined || path === '-') return fromStdin(trail, name);
  await trail.add('script', trail.resolve(path), `script of ${name}`);
}

async function preloadPaths(trail: Trail, paths: readonly string[], end: string): Promise<void> {
  for (const path of paths) {
    if (!/^\.{0,2}\//.test(path)) continue;
    await trail.addIfThere('preload', trail.resolve(path));
    await trail.addIfThere('preload', trail.resolve(path + end));
  }
}

const classPaths = words('-cp -classpath --class-path -p --module-path');
const java: Grammar = {
  values: words(`
    -jar -m --module -cp -classpath --class-path -p --module-path --add-modules --add-exports --add-opens
    --add-reads --patch-module --upgrade-module-path --limit-modules --enable-native-access --source
  `),
  isFlag: (name) =>
    /^-(?:D|X|ea|da|esa|dsa|enableassertions|disableassertions|verbose|agentlib:|agentpath:|javaagent:|server|client|showversion|version|help)/.test(
      name,
    ) || /^--(?:enable-preview|show-version|version|help|illegal-access)$/.test(name),
  last: words('-jar -m --module'),
};

export const runJava: Interpreter = async (trail, args, { name }) => {
  const file = args.find((arg) => arg.startsWith('@'));
  const found = scan(args, java);
  // `-Dkey=value` and the like have no value of their own; a file of arguments may say anything.
  if (found.unknown !== undefined || file !== undefined) {
    return unknownOption(trail, name, found.unknown ?? '-@file');
  }
  for (const option of args) {
    const [, path] = /^-(?:javaagent|agentpath):([^=]+)/.exec(option) ?? [];
    if (path !== undefined) await trail.addIfThere('preload', trail.resolve(path));
  }
  for (const path of valuesOf(found.options, [...classPaths])) await addClasses(trail, path);
  const jar = valueOf(found, '-jar');
  if (jar !== undefined)
    return void (await trail.add('script', trail.resolve(jar), `jar of ${name}`));
  const [main] = found.rest;
  if (main?.endsWith('.java') === true) {
    await trail.add('script', trail.resolve(main), `script of ${name}`);
  } else if (!has(found, ...classPaths)) {
    trail.needFolder();
    trail.limit(`the classes that ${name} runs are not followed`);
  }
};

async function addClasses(trail: Trail, path: string): Promise<void> {
  for (const entry of path.split(':').filter((each) => each !== '')) {
    const jar = trail.resolve(entry);
    if (kindOf(jar) === 'file') await trail.addIfThere('script', jar);
    else
      trail.limit(
        `the classes in ${isAbsolute(entry) ? entry : join('.', entry)} are not followed`,
      );
  }
}

export const runDotnet: Interpreter = async (trail, args, { name }) => {
  const [first] = args[0] === 'exec' ? args.slice(1) : args;
  if (first !== undefined && /\.(?:dll|exe)$/.test(first)) {
    await trail.add('script', trail.resolve(first), `program of ${name}`);
    return;
  }
  trail.needFolder();
  trail.limit(`what ${name} runs is not followed`);
};
