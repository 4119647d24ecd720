import { spawnSync, type SpawnSyncOptions } from 'node:child_process';

/** One thing to measure: a program that is run to its end. */
export interface Case {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  /** How it ends; 0 when nothing is said. */
  readonly status?: number;
  /** Before each run, not measured. */
  readonly prepare?: () => void;
}

export interface Sample {
  readonly name: string;
  /** Milliseconds from before the spawn to after the end, sorted. */
  readonly times: readonly number[];
  readonly median: number;
}

/**
 * Runs the cases in turn, `runs` times around, so that what else the machine does hits all alike.
 * Throws when a run does not end as it should.
 */
export function interleave(cases: readonly Case[], runs: number, warmUp = 5): Sample[] {
  const times = cases.map((): number[] => []);
  for (let round = -warmUp; round < runs; round++) {
    for (const [index, one] of cases.entries()) {
      one.prepare?.();
      const time = runOnce(one);
      if (round >= 0) times[index]?.push(time);
    }
  }
  return cases.map(({ name }, index) => {
    const sorted = (times[index] ?? []).sort((a, b) => a - b);
    return { name, times: sorted, median: quantile(sorted, 0.5) };
  });
}

function runOnce({ name, command: [file, ...args], env = {}, status = 0 }: Case): number {
  const options: SpawnSyncOptions = { env, stdio: ['ignore', 'ignore', 'pipe'] };
  const start = process.hrtime.bigint();
  const ended = spawnSync(file, args, options);
  const time = Number(process.hrtime.bigint() - start) / 1e6;
  if (ended.status !== status) {
    throw new Error(`${name}: ended with ${ended.status ?? ended.signal}: ${String(ended.stderr)}`);
  }
  return time;
}

export function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

/** A row for each sample: its median beside the first one's, and its spread. */
export function compare(
  samples: readonly Sample[],
  aims: Readonly<Record<string, string>> = {},
): string {
  const base = samples[0]?.median ?? Number.NaN;
  return table([
    ['', 'median', 'ratio', 'lowest', '90 %', 'aim'],
    ...samples.map(({ name, times, median }) => [
      name,
      milliseconds(median),
      `${(median / base).toFixed(2)} ×`,
      milliseconds(quantile(times, 0)),
      milliseconds(quantile(times, 0.9)),
      aims[name] ?? '',
    ]),
  ]);
}

/** A row for each sample: what it takes more than the one before it. */
export function ladder(samples: readonly Sample[]): string {
  const whole = samples.at(-1)?.median ?? Number.NaN;
  return table([
    ['', 'adds', 'of the whole'],
    ...samples.map(({ name, median }, index) => {
      const added = median - (samples[index - 1]?.median ?? 0);
      return [name, milliseconds(added), `${Math.round((100 * added) / whole)} %`];
    }),
    ['together', milliseconds(whole), ''],
  ]);
}

export function milliseconds(value: number): string {
  return `${value.toFixed(1)} ms`;
}

export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) => {
      const cells = row.map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      );
      return `  ${cells.join('   ')}`.trimEnd();
    })
    .join('\n');
}
