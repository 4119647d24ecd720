import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createHome } from '../kit/home.ts';
import { launchOf } from '../kit/protocol.ts';
import { allowConnections, grantLaunch, startBenchDaemon } from './daemon.ts';
import { startEcho } from './echo-side.ts';
import { load, type LoadReport } from './load.ts';
import { milliseconds, quantile, table } from './measure.ts';

const idle = 10_000;
const active = 200;
/** One active connection launches so often, with this time between. */
const restMs = 100;
const refusals = 100;
const idleProgram = fileURLToPath(new URL('socket-idle.ts', import.meta.url));

const launch = launchOf('TOKEN');
const inherited = `HOME=${process.env['HOME'] ?? '/'}\0`;

/**
 * Ten thousand connections that say nothing: what they take, what they cost those that do, and how soon
 * the one too many hears so. They come from one process, so the cap on those of one is raised.
 */
export async function connections(durationMs = 5000): Promise<string> {
  const home = await createHome({ kind: 'sealed' });
  try {
    await home.set('TOKEN', 'x'.repeat(40));
    await grantLaunch(home, launch);
    const most = idle + active;
    allowConnections(home, { connections: most, connections_per_process: most });
    const echo = await startEcho(home);
    const bare = await idleMemory(echo, echo.socket);
    await bare.end();
    await echo.stop();

    const daemon = await startBenchDaemon(home);
    const socket = join(home.broker, 'run', 'broker.sock');
    const work = { socket, connections: active, warmUp: 1000, rest: restMs, launch, inherited };
    const ours = await idleMemory(daemon, socket);
    const before = daemon.cpu();
    const open = daemon.descriptors();
    const meanwhile = load({ ...work, duration: durationMs });
    while (daemon.descriptors() < open + active) await sleep(50);
    const refused = await refusalTimes(socket, meanwhile);
    const beside = await meanwhile;
    const spent = daemon.cpu() - before;
    await ours.end();
    const alone = await load({ ...work, duration: durationMs });
    await daemon.stop();
    return [
      table([
        ['', 'a Node that echoes', 'the daemon', 'aim'],
        [
          `memory of one of ${idle} idle connections`,
          kilobytes(bare.each),
          kilobytes(ours.each),
          'at most 6.0 KB',
        ],
      ]),
      '',
      table([
        [`${active} active connections`, 'launches/s', 'p50', 'p99', 'aim'],
        rowOf('alone', alone, ''),
        rowOf(`beside ${idle} idle ones`, beside, 'p99 under 20 ms'),
      ]),
      '',
      table([
        ['the one over the cap', 'median', 'longest', 'aim'],
        [
          'is told so after',
          milliseconds(quantile(refused, 0.5)),
          milliseconds(refused.at(-1) ?? Number.NaN),
          'under 50 ms',
        ],
      ]),
      `  resident after a collection, the kernel's part not counted; an active one launches, and`,
      `  again ${restMs} ms later; ${refusals} refusals meanwhile, one after another; the daemon took`,
      `  ${Math.round((100 * spent * 1000) / (durationMs + 1000))} % of a processor meanwhile.`,
    ].join('\n');
  } finally {
    await home.remove();
  }
}

function rowOf(name: string, { perSecond, p50, p99 }: LoadReport, aim: string): string[] {
  return [name, perSecond.toFixed(0), milliseconds(p50), milliseconds(p99), aim];
}

/** Holds the idle connections open; `each` is what one takes of that side's memory. */
async function idleMemory(
  side: { memory(): Promise<number> },
  socket: string,
): Promise<{ readonly each: number; end(): Promise<void> }> {
  const empty = await side.memory();
  const child = spawn(process.execPath, [idleProgram, socket, String(idle)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return {
    each: ((await side.memory()) - empty) / idle,
    async end() {
      const exit = once(child, 'exit');
      child.stdin.end();
      await exit;
    },
  };
}

/** From the attempt to connect to the last word, sorted; tried until the cap is reached. */
async function refusalTimes(socket: string, meanwhile: Promise<unknown>): Promise<number[]> {
  const state = { isOver: false };
  const end = (): void => {
    state.isOver = true;
  };
  meanwhile.then(end, end);
  const times: number[] = [];
  while (times.length < refusals && !state.isOver) {
    const began = performance.now();
    if (await isRefused(socket)) times.push(performance.now() - began);
  }
  return times.sort((a, b) => a - b);
}

function isRefused(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    const answer = (text: string): void => {
      socket.destroy();
      resolve(text.includes('the daemon serves at most'));
    };
    socket.once('data', (chunk: Buffer) => {
      answer(String(chunk));
    });
    socket.once('error', () => {
      answer('');
    });
    // One that is let in hears nothing before it speaks.
    socket.setTimeout(1000, () => {
      answer('');
    });
  });
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KB`;
}
