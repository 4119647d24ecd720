import { closeSync, constants, fsyncSync, openSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

export interface InitialConfig {
  readonly defaultBackend: 'sealed' | 'keychain';
  /** For a machine without a person. */
  readonly identityFile?: string | undefined;
  /** Folders of the login shell's PATH. */
  readonly path?: readonly string[] | undefined;
}

/** The config.yaml that `mcp init` writes: what counts from the start, and the rest as comments. */
export function initialConfigText({ defaultBackend, identityFile, path }: InitialConfig): string {
  // A JSON string is a YAML string too, whatever the path holds.
  const identity =
    identityFile === undefined
      ? '  # identity_file: ~/.config/mcp-broker/identity   # for a machine without a person'
      : `  identity_file: ${JSON.stringify(identityFile)}`;
  const folders =
    path === undefined || path.length === 0
      ? '  # path: [/usr/local/bin, /usr/bin, /bin]   # where servers are found that a client’s own PATH misses'
      : `  # where servers are found that a client’s own PATH misses\n  path: ${JSON.stringify(path)}`;
  return `# Configuration of MCP Broker. Every key: mcp config schema. After a change: mcp config check.
# No value in this file is ever a secret; those go in with: mcp secret set NAME
version: "1.0"

settings:
  default_backend: ${defaultBackend.padEnd(10)}# where secrets go and are looked for
  ttl: 5m                    # how long a value that was read stays fresh
  lock_after: 8h             # idle time after which the home locks
  presence: terminal         # terminal, or passphrase: the strong mode
${identity}
${folders}

# Where a variable lies and how it lives. One without an entry is looked for by its name.
# variables:
#   DB_PASSWORD:
#     backend: sealed
#     ttl: 1m
`;
}

/**
 * Writes a file that is not there yet, 0600, on the disk when it returns. False: something stands there
 * already, and was left alone.
 */
export function writeNew(file: string, text: string): boolean {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  let fd: number;
  try {
    fd = openSync(file, flags, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  try {
    writeFileSync(fd, text);
    fsyncSync(fd);
  } catch (error) {
    // Half a config would be in the way of the next try.
    unlinkSync(file);
    throw error;
  } finally {
    closeSync(fd);
  }
  syncFolder(dirname(file));
  return true;
}

/** The name of a new file is on the disk only when its folder is. */
function syncFolder(folder: string): void {
  const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
