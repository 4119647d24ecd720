import { join } from 'node:path';
import { createHome, type Home } from '../kit/home.ts';
import { launchOf } from '../kit/protocol.ts';
import { allowConnections, grantLaunch, startBenchDaemon } from './daemon.ts';
import { startEcho } from './echo-side.ts';
import { quantile, table } from './measure.ts';
import { load, type LoadReport } from './load.ts';

const connectionCounts = [1, 50, 500];
const warmUpMs = 2000;
const rounds = 3;

/** As the wrapper asks for it: what steers and is inherited comes as an attachment. */
const launch = launchOf('TOKEN');
const inherited = `HOME=${process.env['HOME'] ?? '/'}\0`;

interface Side {
  readonly name: string;
  /** Starts it; gives its socket and how to end it. */
  start(home: Home): Promise<{ readonly socket: string; stop(): Promise<void>; cpu(): number }>;
}

const sides: readonly Side[] = [
  { name: 'JSON echo in Node', start: startEcho },
  { name: 'the daemon, audit off', start: (home) => startDaemon(home, true) },
  { name: 'the daemon', start: (home) => startDaemon(home, false) },
];

/**
 * Decided launches a second over the socket: `launch.request` and `launch.take` on connections that stay
 * open, of a cached variable by a lasting grant. The load is one process, so that of two processors one
 * stays for the other side; the same client, bytes and round trips for each side, in turn.
 */
export async function resolves(durationMs = 3000): Promise<string> {
  const home = await createHome({ kind: 'sealed' });
  try {
    await home.set('TOKEN', 'x'.repeat(40));
    await grantLaunch(home, launch);
    allowConnections(home, { connections_per_process: 1000 });
    const samples = new Map<string, Sample[]>();
    for (let round = 0; round < rounds; round += 1) {
      for (const side of sides) {
        const { socket, stop, cpu } = await side.start(home);
        try {
          for (const connections of connectionCounts) {
            const before = cpu();
            const report = await load({
              socket,
              connections,
              warmUp: warmUpMs,
              duration: durationMs,
              launch,
              inherited,
            });
            const spent = (cpu() - before) * 1e6;
            const key = `${side.name} ${connections}`;
            samples.set(key, [
              ...(samples.get(key) ?? []),
              { ...report, own: spent / report.total },
            ]);
          }
        } finally {
          await stop();
        }
      }
    }
    return [
      table([
        ['connections', 'launches/s', 'p50', 'p99', 'its processor time', 'beside the echo', 'aim'],
        ...connectionCounts.flatMap((connections) => rowsOf(connections, samples)),
      ]),
      '  the median of each over three rounds; processor time of one launch, all threads of that side,',
      `  warm-up included. The load takes ${microseconds(loadTime(samples))} of the other processor for each.`,
    ].join('\n');
  } finally {
    await home.remove();
  }
}

/** A report, and what the other side took for one launch, in microseconds. */
interface Sample extends LoadReport {
  readonly own: number;
}

function rowsOf(connections: number, samples: ReadonlyMap<string, readonly Sample[]>): string[][] {
  const [base] = sides;
  const of = (side: Side | undefined): readonly Sample[] =>
    samples.get(`${side?.name ?? ''} ${connections}`) ?? [];
  const echo = median(of(base), 'perSecond');
  return sides.map((side) => {
    const all = of(side);
    const perSecond = median(all, 'perSecond');
    return [
      `${connections}  ${side.name}`,
      perSecond.toFixed(0),
      `${median(all, 'p50').toFixed(2)} ms`,
      `${median(all, 'p99').toFixed(2)} ms`,
      microseconds(median(all, 'own')),
      `${(echo / perSecond).toFixed(2)} ×`,
      side === sides.at(-1) && connections === 50 ? 'at least 10000' : '',
    ];
  });
}

function loadTime(samples: ReadonlyMap<string, readonly Sample[]>): number {
  return median(samples.get(`${sides.at(-1)?.name ?? ''} 50`) ?? [], 'cpu');
}

function median(samples: readonly Sample[], member: keyof Sample): number {
  const values = samples.map((sample) => sample[member]).sort((a, b) => a - b);
  return quantile(values, 0.5);
}

function microseconds(value: number): string {
  return `${value.toFixed(0)} µs`;
}

async function startDaemon(
  home: Home,
  withoutAudit: boolean,
): Promise<{ socket: string; stop(): Promise<void>; cpu(): number }> {
  const daemon = await startBenchDaemon(home, { withoutAudit });
  return { ...daemon, socket: join(home.broker, 'run', 'broker.sock') };
}
