import { BrokerError } from '@mcp-broker/providers/errors';
import { changeConfig } from './change.ts';
import { setInText } from './edit.ts';
import { formatKey, parseKey } from './key.ts';
import { readText } from './parse.ts';
import { configError, formatPath, type Path, type Problem } from './problem.ts';
import { readConfigText } from './read.ts';
import type { SchemaNode } from './json-schema.ts';
import { readTyped, refusePlainSecrets } from './typed-value.ts';
import { effective, listEntries, schemaAt, withBuiltIn, type ConfigEntry } from './view.ts';

/** Every key that counts, and where it stands. Throws what is wrong with the file. */
export function listConfig(file: string): ConfigEntry[] {
  return listEntries(readData(file));
}

/**
 * What counts at a key. Throws `ERR_CONFIG` for a key that there is not, and `ERR_NOT_FOUND` for one that
 * is not set and has no default.
 */
export function getConfig(file: string, key: string): ConfigEntry {
  const path = parseKey(key);
  const data = readData(file);
  const node = nodeAt(path, data);
  const given = valueAt(data, path);
  const value = effective(node, valueAt(withBuiltIn(data), path));
  if (value === undefined) {
    throw new BrokerError('ERR_NOT_FOUND', `${formatPath(path)} is not set, and has no default`, {
      hint: `mcp config set ${formatKey(path)} VALUE`,
    });
  }
  return { key: formatKey(path), value, origin: given === undefined ? 'default' : 'file' };
}

/** One key set in the file, or taken out of it. */
export interface KeyChange {
  readonly key: string;
  /** What counts now; undefined where nothing does. */
  readonly value?: unknown;
  readonly origin: 'file' | 'default';
  readonly changed: boolean;
}

/**
 * Sets a key to what was typed; `null` takes it away, so that its default counts. Nothing is written
 * unless the whole file is good afterwards. Throws `ERR_CONFIG` and `ERR_USAGE`, neither with a value.
 */
export async function setConfig(file: string, key: string, typed: string): Promise<KeyChange> {
  const path = parseKey(key);
  const { changed } = await changeConfig(file, (text) => {
    const node = nodeAt(path, dataOf(text, file));
    const value = readTyped(typed, node);
    refusePlainSecrets(path, value);
    return setInText(text, path, value);
  });
  const data = readData(file);
  const given = valueAt(data, path);
  const value = effective(nodeAt(path, data), given);
  return {
    key: formatKey(path),
    ...(value === undefined ? {} : { value }),
    origin: given === undefined ? 'default' : 'file',
    changed,
  };
}

function readData(file: string): unknown {
  const text = readConfigText(file);
  return text === undefined ? {} : dataOf(text, file);
}

function dataOf(text: string, file: string): unknown {
  const found = readText(text, file);
  if ('problems' in found) throw configError(file, found.problems);
  return found.data;
}

function nodeAt(path: Path, data: unknown): SchemaNode {
  const found = schemaAt(path, data);
  if (!isProblem(found)) return found;
  const hint = found.hint?.replace(/^remove .* and keep its value with: /, '') ?? 'mcp config list';
  throw new BrokerError('ERR_CONFIG', `${formatPath(path)}: ${found.message}`, { hint });
}

function isProblem(found: SchemaNode | Problem): found is Problem {
  return 'message' in found;
}

function valueAt(data: unknown, path: Path): unknown {
  return path.reduce(
    (value: unknown, part) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, part)
        ? (value as Record<string, unknown>)[part]
        : undefined,
    data,
  );
}
