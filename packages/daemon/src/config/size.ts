const units: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** A whole number and one unit: `512B`, `256KiB`, `64MiB`, `1GiB`. */
export const sizePattern: RegExp = /^(\d{1,9})(B|KiB|MiB|GiB)$/;

/** Bytes, or undefined for text that is no size. */
export function parseSize(text: string): number | undefined {
  const [, digits, unit] = sizePattern.exec(text) ?? [];
  const factor = unit === undefined ? undefined : units[unit];
  return factor === undefined ? undefined : Number(digits) * factor;
}
