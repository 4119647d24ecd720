export type { AuditEventName } from './event.ts';
export { parseRecord, type AuditRecord, type Filter } from './filter.ts';
export { eventNames, printable } from './line.ts';
export { searchLog } from './search.ts';
