import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { pythonProgram } from '../../services/python.ts';
import type { RealClient, Seen } from './client.ts';

const program = fileURLToPath(new URL('../../fixtures/sdk-client.py', import.meta.url));

/** The client of the Python SDK, in a process of its own. */
export const sdkPython: RealClient = async ({ launch, calls, whileRunning }) => {
  const child = spawn(pythonProgram('python'), [program], { stdio: 'pipe' });
  let said = '';
  let complained = '';
  child.stdin.on('error', () => undefined);
  child.stderr.on('data', (chunk: Buffer) => (complained += chunk.toString()));
  const closed = once(child, 'close') as Promise<[number | null]>;
  const line = new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes('\n')) resolve();
    });
  });
  child.stdin.write(`${JSON.stringify({ ...launch, calls })}\n`);
  await Promise.race([line, closed]);
  try {
    if (said.includes('\n')) await whileRunning();
  } finally {
    child.stdin.end('\n');
  }
  const [code] = await closed;
  if (code !== 0) throw new Error(`the Python client ended with ${String(code)}: ${complained}`);
  return JSON.parse(said) as Seen;
};
