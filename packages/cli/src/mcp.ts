/**
 * The file that the launcher (bin/mcp) starts, as small as can be: it runs main.cjs from the code that an
 * earlier launch has compiled. (Node's own compile cache holds none of a function that is compiled when
 * it is first called, and so little of a launch.) From the sources, start main.ts.
 */
import { lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { Script } from 'node:vm';
import type * as Command from './command.ts';

declare const require: NodeJS.Require;

/** Compiled code is code: it lies in the broker's own folder, where nobody else can put any. */
function privateFolder(): string | undefined {
  // A path from the working folder is anybody's, and so is the one that a missing HOME would make.
  const home = process.env['MCP_HOME'] || `${process.env['HOME']}/.mcp`;
  try {
    const { uid, mode } = lstatSync(home);
    const isOurs = uid === process.geteuid?.() && (mode & 0o170077) === 0o040000;
    return home.startsWith('/') && isOurs ? `${home}/cache` : undefined;
  } catch {
    return undefined;
  }
}

/** Undefined when there is none, it is not whole, or it is of another source. */
function keptCode(): Buffer | undefined {
  try {
    const bytes = readFileSync(kept);
    const size = (bytes.length - source.length) / 2;
    const code = bytes.subarray(0, size);
    const isWhole = code.equals(bytes.subarray(size, 2 * size));
    return isWhole && source.equals(bytes.subarray(2 * size)) ? code : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The code twice, since V8 does not look whether it is whole and a flipped bit would crash each launch; then
 * the source, to which it must belong. No failure counts: the next launch compiles again.
 */
function keepCode(): void {
  if (folder === undefined || isKept) return;
  const draft = `${kept}.${process.pid}`;
  try {
    const code = script.createCachedData();
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(draft, Buffer.concat([code, code, source]), { flag: 'wx', mode: 0o600 });
    renameSync(draft, kept);
  } catch {
    rmSync(draft, { force: true });
  }
}

function cacheModules(): void {
  if (folder !== undefined) process.getBuiltinModule('node:module').enableCompileCache(folder);
}

/** What main.cjs loads late. Code of `vm` that imports by itself makes Node warn of an experiment. */
const late = {
  './commands.mjs': () => import('./commands/index.ts'),
  './guard.mjs': () => import('./guard/index.ts'),
};
const importLate = (name: keyof typeof late): Promise<unknown> => {
  cacheModules();
  return late[name]();
};

const filename = `${__dirname}/main.cjs`;
const source = readFileSync(filename);
const folder = privateFolder();
// Each kind of launch runs other functions. V8 itself refuses what another build of it has made.
const kind = process.argv.includes('--replace') ? '-replace' : '';
const kept = `${folder}/mcp-${process.version}-${process.arch}${kind}`;
const cachedData = folder === undefined ? undefined : keptCode();
const text = `(function(exports,require,importLate){${source.toString()}\n})`;
const script = new Script(text, { filename, cachedData });
const isKept = cachedData !== undefined && script.cachedDataRejected === false;
const command = {} as typeof Command;
script.runInThisContext()(command, require, importLate);
void command.main(process.argv.slice(2), { keepCode, cacheModules }).then((code) => {
  process.exitCode = code;
});
