import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Home } from '../kit/home.ts';
import { memoryInUse, processorTime } from './daemon.ts';

const program = fileURLToPath(new URL('echo.ts', import.meta.url));
let echoes = 0;

/** What the daemon is measured against. */
export interface Echo {
  readonly socket: string;
  /** As of the daemon of the bench. */
  cpu(): number;
  memory(): Promise<number>;
  stop(): Promise<void>;
}

export async function startEcho(home: Home): Promise<Echo> {
  const socket = join(home.folder, `echo-${(echoes += 1)}.sock`);
  const child = spawn(process.execPath, ['--expose-gc', program, socket], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return {
    socket,
    cpu: () => processorTime(child.pid ?? -1),
    memory: () => memoryInUse(child),
    async stop() {
      const exit = once(child, 'exit');
      child.stdin.end();
      await exit;
    },
  };
}
