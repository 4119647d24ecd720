import { BrokerError } from '../errors.ts';
import type { Item } from '../provider.ts';
import type { SecretInfo } from '../secret.ts';

/**
 * The names of our items and what is known of each. The library finds items by reading every value, so
 * the names have an item of their own, beside the broker's. An entry is `unsettled` from before its value is
 * written or removed until after: a process that is killed in between leaves one, and the next look asks
 * the keychain whether the value is there.
 */
export interface NamesEntry {
  readonly version?: number;
  readonly created?: string;
  readonly updated?: string;
  readonly unsettled?: true;
}

export type Names = Map<string, NamesEntry>;

const format = 1;

export function encodeNames(names: Names): Buffer {
  return Buffer.from(JSON.stringify({ version: format, names: [...names] }));
}

/** `undefined`: it is damaged, and the keychain has to be asked for the names. */
export function decodeNames(bytes: Uint8Array): Names | undefined {
  let document: unknown;
  try {
    document = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
  if (!isObject(document) || !Array.isArray(document['names'])) return undefined;
  if (document['version'] !== format) throw newer();
  const names: Names = new Map();
  for (const pair of document['names'] as unknown[]) {
    if (!Array.isArray(pair)) return undefined;
    const [name, members] = pair as unknown[];
    if (typeof name !== 'string' || !isObject(members)) return undefined;
    const { version, created, updated, unsettled } = members;
    names.set(name, {
      ...(typeof version === 'number' && Number.isSafeInteger(version) ? { version } : {}),
      ...(typeof created === 'string' ? { created } : {}),
      ...(typeof updated === 'string' ? { updated } : {}),
      ...(unsettled === true ? { unsettled } : {}),
    });
  }
  return names;
}

export function infoOf({ version, created, updated }: NamesEntry): SecretInfo {
  return {
    ...(version === undefined ? {} : { version: String(version) }),
    ...(created === undefined ? {} : { created }),
    ...(updated === undefined ? {} : { updated }),
  };
}

/** Sorted by name. */
export function itemsOf(names: Names): readonly Item[] {
  return [...names]
    .map(([name, entry]) => ({ name, ...infoOf(entry) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function newer(): BrokerError {
  return new BrokerError(
    'ERR_CORRUPT',
    'the names in the keychain were written by another version',
    {
      hint: 'mcp --version, and use the newest that has used this home',
    },
  );
}
