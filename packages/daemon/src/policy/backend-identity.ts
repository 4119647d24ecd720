import { keychainServices } from '@mcp-broker/providers';
import { hash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';

/** A certificate file that is longer is none. */
const maxCaBytes = 4 * 1024 * 1024;

/**
 * What a backend is reached by, as text that a person can read and that two backends share only when
 * they are reached alike: the file of the sealed one; the service name that this home has in the keychain; the command that reads a value; of others all settings by name, and for a CA the
 * digest of its content too. How long values live is no part of it. Asks no network.
 */
export function backendOrigin(
  kind: string,
  settings: unknown,
  context: { readonly secretsFile: string; readonly home: string },
): string {
  if (kind === 'sealed-file') return context.secretsFile;
  if (kind === 'keychain') return keychainServices(context.home).secrets;
  // What reads a value; how long it may take, say, is no part of it.
  if (kind === 'command')
    return JSON.stringify(ordered({ kind, ...chosen(settings, ['get', 'env']) }));
  return JSON.stringify(ordered({ kind, ...withCa(settings) }));
}

function chosen(settings: unknown, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(Object(settings) as object).filter(([name]) => names.includes(name)),
  );
}

function withCa(settings: unknown): Record<string, unknown> {
  if (typeof settings !== 'object' || settings === null) return {};
  const all = { ...settings } as Record<string, unknown>;
  const { ca } = all;
  return typeof ca === 'string' ? { ...all, ca: { path: ca, sha256: digestOf(ca) } } : all;
}

/** null: there is no such file now, and nothing is read from the backend either. */
function digestOf(path: string): string | null {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = fstatSync(fd);
    if (!stats.isFile() || stats.size > maxCaBytes) return null;
    return hash('sha256', readFileSync(fd));
  } catch {
    return null;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(
    ([name, member]) => member !== undefined && name !== 'ttlMs' && name !== 'maxStaleMs',
  );
  return Object.fromEntries(
    members
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([name, member]) => [name, ordered(member)]),
  );
}
