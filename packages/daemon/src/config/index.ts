export { parseConfig } from './parse.ts';
export { readConfig } from './read.ts';
export { configJsonSchema } from './json-schema.ts';
export type * from './types.ts';
export { watchConfig, type ConfigWatch, type WatchOptions } from './watch.ts';
export { initialConfigText, writeNew, type InitialConfig } from './write.ts';
