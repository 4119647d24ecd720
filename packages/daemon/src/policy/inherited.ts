import { hash } from 'node:crypto';
import { isUtf8 } from 'node:buffer';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { BrokerError } from '@mcp-broker/providers/errors';
import type { InheritedVariable } from '../protocol/approvals.ts';
import { isCodeLoading, isInheritedSteering } from '../steering-names.ts';

/**
 * Reads the attachment of `launch.request`: `NAME=value`, each ended by a NUL. Values stay bytes, but for
 * those that a person is to see. Throws `ERR_USAGE` for what is not of that form or does not belong there.
 */
export function readInherited(attachment: Uint8Array | undefined): readonly InheritedVariable[] {
  return [...readEnvironment(attachment)].map(([name, value]) => {
    if (!isInheritedSteering(name)) throw malformed(name);
    return inheritedVariable(name, value);
  });
}

/** The same with any names: the whole environment of a launch whose entry the daemon reads. */
export function readEnvironment(attachment: Uint8Array | undefined): ReadonlyMap<string, Buffer> {
  const variables = new Map<string, Buffer>();
  if (attachment === undefined || attachment.length === 0) return variables;
  // Of Node's own: `indexOf` and `toString`, over the same memory.
  const bytes = Buffer.from(attachment.buffer, attachment.byteOffset, attachment.length);
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(0, start);
    const equals = bytes.indexOf('=', start);
    if (end === -1 || equals === -1 || equals > end) throw malformed();
    const name = readName(bytes.subarray(start, equals));
    if (variables.has(name)) throw malformed(name);
    variables.set(name, bytes.subarray(equals + 1, end));
    start = end + 1;
  }
  return variables;
}

/**
 * Without the folders that are where they are for every launch of this user: HOME, and those that the XDG
 * base directories name. Elsewhere, a runner finds other caches there and Python other packages.
 */
export function withoutOwnFolders(
  inherited: readonly InheritedVariable[],
  home: string,
): readonly InheritedVariable[] {
  return inherited.filter(({ name, value }) => value === undefined || value !== own(name, home));
}

function own(name: string, home: string): string | undefined {
  switch (name) {
    case 'HOME':
      return home;
    case 'XDG_CACHE_HOME':
      return join(home, '.cache');
    case 'XDG_CONFIG_HOME':
      return join(home, '.config');
    case 'XDG_DATA_HOME':
      return join(home, '.local', 'share');
    default:
      return undefined;
  }
}

/**
 * As the system knows it, whatever HOME the daemon was started with: that one may be what a launch comes
 * with that is to be told from the others.
 */
export function accountHome(): string {
  known ??= readAccount();
  return known;
}

/** Asked once: the answer may come over a network. */
let known: string | undefined;

function readAccount(): string {
  try {
    return userInfo().homedir;
  } catch {
    // A user without an entry.
    return homedir();
  }
}

function readName(bytes: Buffer): string {
  if (bytes.length === 0 || !isUtf8(bytes)) throw malformed();
  return bytes.toString('utf8');
}

export function inheritedVariable(name: string, value: Buffer): InheritedVariable {
  const digest = hash('sha256', value);
  const isShown = isCodeLoading(name) && isUtf8(value);
  return isShown ? { name, digest, value: value.toString('utf8') } : { name, digest };
}

function malformed(name?: string): BrokerError {
  const which = name === undefined ? '' : `: ${JSON.stringify(name)} is twice, or not of them`;
  return new BrokerError('ERR_USAGE', `attachment is no list of steering variables${which}`, {
    hint: 'NAME=value, each ended by a NUL: docs/PROTOCOL.md',
  });
}
