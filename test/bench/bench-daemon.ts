import { registerHooks } from 'node:module';
import { argv } from 'node:process';

// A daemon as no user has one: `--without-audit` runs the sources with a log that keeps nothing, to show
// what the log costs. At SIGUSR2 the memory that nobody uses is given back, to see what is in use.

const withoutAudit = argv.includes('--without-audit');
if (withoutAudit) {
  argv.splice(argv.indexOf('--without-audit'), 1);
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === './audit/log.ts'
        ? { url: new URL('no-audit.ts', import.meta.url).href, shortCircuit: true }
        : next(specifier, context),
  });
}
process.on('SIGUSR2', () => {
  globalThis.gc?.();
});
await import(
  new URL(`../../packages/daemon/${withoutAudit ? 'src/main.ts' : 'dist/main.js'}`, import.meta.url)
    .href
);
