import { fstatSync, readdirSync, readFileSync, readlinkSync, writeSync } from 'node:fs';

/** What our stdin says of who started us. */
export interface Stdin {
  /**
   * An MCP client speaks through it, so that its end is the end of all: a socket, or a pipe whose write end
   * `parent` holds. Never a file, a terminal, or a pipe from another program.
   */
  readonly ofClient: boolean;
  /**
   * The other end may be closed already, before there is a server: then nobody speaks with it as MCP clients
   * do, and all that it is to read is there, as in a file.
   */
  readonly mayHaveEnded: boolean;
}

/** To be asked before the spawn: a client may close its end as soon as the server has said a word. */
export function lookAtStdin(fd: number, parent: number): Stdin {
  try {
    const stats = fstatSync(fd);
    if (stats.isSocket()) return { ofClient: true, mayHaveEnded: !takesBytes(fd) };
    const ofClient = stats.isFIFO() && holdsWriteEnd(parent, `pipe:[${stats.ino}]`);
    return { ofClient, mayHaveEnded: false };
  } catch {
    return { ofClient: false, mayHaveEnded: false };
  }
}

/**
 * Writes not a byte: the kernel says EPIPE all the same where the other end is closed, or where it is there
 * and has shut this direction (Bun does).
 */
function takesBytes(socket: number): boolean {
  try {
    writeSync(socket, '');
    return true;
  } catch {
    return false;
  }
}

function holdsWriteEnd(pid: number, pipe: string): boolean {
  return readdirSync(`/proc/${pid}/fd`).some((name) => {
    try {
      if (readlinkSync(`/proc/${pid}/fd/${name}`) !== pipe) return false;
      const flags = /^flags:\s*([0-7]+)$/mu.exec(
        readFileSync(`/proc/${pid}/fdinfo/${name}`, 'latin1'),
      )?.[1];
      return flags !== undefined && (Number.parseInt(flags, 8) & 0o3) !== 0;
    } catch {
      return false;
    }
  });
}
