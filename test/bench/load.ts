import { fileURLToPath } from 'node:url';
import { run } from '../kit/run.ts';
import type { Load, LoadReport } from './socket-load.ts';

export type { LoadReport } from './socket-load.ts';

const program = fileURLToPath(new URL('socket-load.ts', import.meta.url));

/** Runs the client of the benches over the socket to its end. */
export async function load(what: Load): Promise<LoadReport> {
  const { code, stdout, stderr } = await run(process.execPath, [program, JSON.stringify(what)]);
  if (code !== 0) throw new Error(`the load ended with ${code}: ${stderr}`);
  return JSON.parse(stdout) as LoadReport;
}
