import { mkdirSync, writeFileSync } from 'node:fs';
import { manualPages } from './manual/roff.ts';

/** Writes the manual pages of the npm package. SOURCE_DATE_EPOCH, where set, is the day that they say. */
const folder = new URL('../packages/cli/dist/man/', import.meta.url);
const epoch = process.env['SOURCE_DATE_EPOCH'];
const time = epoch === undefined ? new Date() : new Date(Number(epoch) * 1000);

mkdirSync(folder, { recursive: true });
for (const [name, page] of manualPages(time)) {
  writeFileSync(new URL(name, folder), page);
}
