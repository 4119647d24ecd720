const units: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A whole number and one unit: `500ms`, `30s`, `15m`, `8h`, `30d`. */
export const durationPattern: RegExp = /^(\d{1,10})(ms|s|m|h|d)$/;

/** Milliseconds, or undefined for text that is no duration. */
export function parseDuration(text: string): number | undefined {
  const [, digits, unit] = durationPattern.exec(text) ?? [];
  const factor = unit === undefined ? undefined : units[unit];
  return factor === undefined ? undefined : Number(digits) * factor;
}
