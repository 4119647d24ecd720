import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

// Builds the three packages at once; what they print is shown only when one fails.
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
