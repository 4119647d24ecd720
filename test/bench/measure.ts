import { spawnSync, type SpawnSyncOptions } from 'node:child_process';

/** One thing to measure: a command that is run to its end. */
export interface Case {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly environment?: Readonly<Record<string, string>>;
  /** Before each run, not measured. */
  readonly prepare?: () => void;
}

export interface Sample {
  readonly name: string;
  /** Milliseconds, sorted. */
  readonly times: readonly number[];
  readonly median: number;
  readonly lowest: number;
}

/**
 * Runs the cases in turn, `runs` times around, so that what else the machine does hits all alike.
 * Throws when a run does not end with 0.
 */
export function interleave(cases: readonly Case[], runs: number, warmUp = 5): Sample[] {
  const times = new Map<string, number[]>(cases.map(({ name }) => [name, []]));
  for (let round = -warmUp; round < runs; round++) {
    for (const one of cases) {
      one.prepare?.();
      const time = runOnce(one);
      if (round >= 0) times.get(one.name)?.push(time);
    }
  }
  return [...times].map(([name, all]) => {
    const sorted = all.sort((a, b) => a - b);
    return { name, times: sorted, median: quantile(sorted, 0.5), lowest: quantile(sorted, 0) };
  });
}

function runOnce({ name, command: [file, ...args], environment = {} }: Case): number {
  const options: SpawnSyncOptions = { env: environment, stdio: ['ignore', 'ignore', 'pipe'] };
  const start = process.hrtime.bigint();
  const { status, signal, stderr } = spawnSync(file, args, options);
  const time = Number(process.hrtime.bigint() - start) / 1e6;
  if (status !== 0) throw new Error(`${name} ended with ${status ?? signal}: ${String(stderr)}`);
  return time;
}

export function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

/** A table of the samples beside the first, which is what they are compared with. */
export function formatSamples(
  samples: readonly Sample[],
  notes: Readonly<Record<string, string>> = {},
): string {
  const base = samples[0]?.median ?? Number.NaN;
  const rows = samples.map(({ name, times, median, lowest }) => [
    name,
    `${median.toFixed(1)} ms`,
    `${lowest.toFixed(1)} ms`,
    `${quantile(times, 0.9).toFixed(1)} ms`,
    `${(median / base).toFixed(2)} ×`,
    notes[name] ?? '',
  ]);
  return formatTable([['', 'median', 'lowest', '90 %', 'ratio', 'aim'], ...rows]);
}

export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
