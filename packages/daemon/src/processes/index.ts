/** What `mcp exec` loads once its server runs, and not before. */
export { sleep, systemClock } from '../clock.ts';
export { readStat } from '../platform/proc.ts';
export { watchHangUp } from './hang-up.ts';
export { makesSignals } from './terminal.ts';
export { createTree, type Tree } from './tree.ts';
