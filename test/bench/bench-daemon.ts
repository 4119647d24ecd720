import fs, { appendFileSync } from 'node:fs';
import { registerHooks, syncBuiltinESMExports } from 'node:module';
import { basename } from 'node:path';
import { argv, env } from 'node:process';

// A daemon as no user has one; what it is compared with and looked into by is the bench's own.
// `--without-audit` runs the sources with a log that keeps nothing, to show what the log costs. At SIGUSR2
// it gives back what memory nobody uses, so that what is in use shows. In the file that BENCH_READS names
// stands a line for each time that the sealed file is opened.

const option = argv.indexOf('--without-audit');
const withoutAudit = option !== -1;
if (withoutAudit) {
  argv.splice(option, 1);
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === './audit/log.ts'
        ? { url: new URL('no-audit.ts', import.meta.url).href, shortCircuit: true }
        : next(specifier, context),
  });
}

const reads = env['BENCH_READS'];
if (reads !== undefined) {
  const open = fs.openSync;
  fs.openSync = (path, ...rest) => {
    if (basename(String(path)) === 'secrets.age') appendFileSync(reads, 'read\n');
    return open(path, ...rest);
  };
  syncBuiltinESMExports();
}

process.on('SIGUSR2', () => {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
});

const main = withoutAudit ? 'src/main.ts' : 'dist/main.js';
await import(new URL(`../../packages/daemon/${main}`, import.meta.url).href);
