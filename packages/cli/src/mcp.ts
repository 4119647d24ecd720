/**
 * The file that the launcher (bin/mcp) starts, as small as can be: it runs main.cjs from the code that an
 * earlier launch has compiled. (Node's own compile cache holds none of a function that is compiled when
 * it is first called, and so little of a launch.) From the sources, start main.ts.
 */
import { lstatSync, readFileSync } from 'node:fs';
import { Script } from 'node:vm';
import { keptFile } from './compiled.ts';
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
function keptCode(folder: string, source: Buffer): Buffer | undefined {
  try {
    const bytes = readFileSync(keptFile(folder));
    const size = (bytes.length - source.length) / 2;
    const code = bytes.subarray(0, size);
    const isWhole = code.equals(bytes.subarray(size, 2 * size));
    return isWhole && source.equals(bytes.subarray(2 * size)) ? code : undefined;
  } catch {
    return undefined;
  }
}

/** What main.cjs loads late. Code of `vm` that imports by itself makes Node warn of an experiment. */
const late = {
  './commands.mjs': () => import('./commands/index.ts'),
  './guard.mjs': () => import('./guard/index.ts'),
};

const filename = `${__dirname}/main.cjs`;
const source = readFileSync(filename);
const folder = privateFolder();
const cachedData = folder === undefined ? undefined : keptCode(folder, source);
const text = `(function(exports,require,importLate){${source.toString()}\n})`;
const script = new Script(text, { filename, cachedData });
const exported = {} as typeof Command;
script.runInThisContext()(exported, require, (name: keyof typeof late) => late[name]());
const kept = cachedData !== undefined && script.cachedDataRejected === false;
void exported.main(process.argv.slice(2), { script, source, folder, kept }).then((code) => {
  process.exitCode = code;
});
