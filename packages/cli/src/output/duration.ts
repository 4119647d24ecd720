const units: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
];

/** Milliseconds as `3d`, `5h`, `90s`: the greatest unit of which there are at least two, or one whole. */
export function duration(milliseconds: number): string {
  for (const [unit, length] of units) {
    if (milliseconds >= 2 * length || milliseconds === length) {
      return `${Math.floor(milliseconds / length)}${unit}`;
    }
  }
  return `${Math.max(0, Math.floor(milliseconds / 1000))}s`;
}

/** How long ago an ISO 8601 time was; undefined for none. */
export function age(time: string | undefined, now: number): string | undefined {
  if (time === undefined) return undefined;
  const then = Date.parse(time);
  return Number.isNaN(then) ? undefined : duration(Math.max(0, now - then));
}

/** Bytes as `12 KiB`, `41 MiB`. */
export function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 ** 2) return `${Math.round(bytes / 1024)} KiB`;
  return `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}
