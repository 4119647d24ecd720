import type { BrokerError } from '@mcp-broker/providers/errors';
import { isMapping, type Document } from './document.ts';
import type { RequireShown } from './shown.ts';
import { badFile } from './problem.ts';

/** An entry in its file. What it holds is read by the functions below, which name the line that is wrong. */
export interface FoundEntry {
  readonly file: string;
  /** Where that lay when it was read. */
  readonly realPath: string;
  readonly name: string;
  /** The keys that lead to it. */
  readonly path: readonly string[];
  readonly document: Document;
  /** Its project; undefined: a file for all of them. */
  readonly project: string | undefined;
  /** Of other files that the entry names. */
  readonly isShown: RequireShown;
}

export type Fields = Readonly<Record<string, unknown>>;

export function problem(
  { file, name, path, document }: FoundEntry,
  below: readonly string[],
  what: string,
  hint?: string,
): BrokerError {
  return badFile(file, document.lineOf([...path, ...below]), `server ${name}: ${what}`, hint);
}

export function mapping(found: FoundEntry, value: unknown, below: readonly string[]): Fields {
  if (isMapping(value)) return value;
  throw problem(found, below, `${below.at(-1) ?? 'it'} has to hold names with values`);
}

export function text(value: unknown, wrong: () => BrokerError): string {
  if (typeof value !== 'string' || value.includes('\0')) throw wrong();
  return value;
}

export function list(value: unknown, wrong: () => BrokerError): readonly string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw wrong();
  return value.map((one: unknown) => text(one, wrong));
}
