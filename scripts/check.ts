import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

// Everything that can be said of the code without running it. All checks run, also after one failed.
const root = fileURLToPath(new URL('..', import.meta.url));
const checks: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ['build', 'node', 'scripts/build.ts'],
  ['types', 'pnpm', 'exec', 'tsc', '-p', '.'],
  ['lint', 'pnpm', 'exec', 'oxlint', '--type-aware', '--deny-warnings'],
  ['format', 'pnpm', 'exec', 'oxfmt', '--check'],
  ['unused code', 'pnpm', 'exec', 'knip'],
  ...['providers', 'daemon', 'cli'].map(
    (name) =>
      [`exports of ${name}`, 'pnpm', 'exec', 'publint', '--strict', `packages/${name}`] as const,
  ),
  ['generated docs', 'node', '--conditions=dev', 'scripts/generate-docs.ts', '--check'],
  ['docs against code', 'node', '--conditions=dev', 'scripts/check-docs.ts'],
];

let failed = 0;
for (const [name, command, ...args] of checks) {
  const began = performance.now();
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  }
  const [code] = (await once(child, 'close')) as [number | null];
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  process.stdout.write(`${code === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)\n`);
  if (code !== 0) {
    failed += 1;
    process.stdout.write(`${output}\n`);
  }
}
process.exitCode = failed === 0 ? 0 : 1;
