import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

// Builds the three packages at once, then the manual pages of the command; what they print is shown only when one fails.
const root = fileURLToPath(new URL('..', import.meta.url));
const packages = ['providers', 'daemon', 'cli'];

const failures = await Promise.all(
  packages.map(async (name) => {
    const child = spawn('pnpm', ['exec', 'tsdown', '--log-level', 'warn'], {
      cwd: `${root}packages/${name}`,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    }
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) process.stderr.write(`build of ${name} failed\n${output}\n`);
    return code !== 0;
  }),
);
process.exitCode = failures.includes(true) ? 1 : 0;

// After the bundler, which empties the folder.
const manual = spawn(process.execPath, ['--conditions=dev', 'scripts/generate-man.ts'], {
  cwd: root,
  stdio: 'inherit',
});
const [manualCode] = (await once(manual, 'close')) as [number | null];
if (manualCode !== 0) process.exitCode = 1;
