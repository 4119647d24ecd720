/**
 * The file that the launcher (bin/mcp) starts, as small as can be: it switches the compile cache on, so
 * that the program behind it is not compiled anew at each launch. From the sources, start main.ts.
 */
import { lstatSync } from 'node:fs';
import { enableCompileCache } from 'node:module';

declare const require: NodeJS.Require;

// Compiled code is code: it lies in the broker's own folder, where nobody else can put any. A path from
// the working folder is anybody's, and so is the one that a missing HOME would make.
const folder = process.env['MCP_HOME'] || `${process.env['HOME']}/.mcp`;
try {
  const { uid, mode } = lstatSync(folder);
  if (folder.startsWith('/') && uid === process.geteuid?.() && (mode & 0o170077) === 0o040000) {
    enableCompileCache(`${folder}/cache`);
  }
} catch {
  // No home yet.
}
require('./main.cjs');
