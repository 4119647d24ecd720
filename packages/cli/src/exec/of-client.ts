import { fstatSync, readdirSync, readFileSync, readlinkSync, writeSync } from 'node:fs';

/** What our stdin says of who started us. */
export interface Stdin {
  /**
   * An MCP client speaks through it, so that its end is the end of all: a socket, or a pipe whose write end
   * `parent` holds. Never a file, a terminal, or a pipe from another program.
   */
  readonly ofClient: boolean;
  /**
   * The client had closed its end before there was a server, or has gone since: nobody speaks with it as MCP clients do, and all
   * that it is to read is there, as in a file.
   */
  readonly hasEnded: boolean;
}

/** To be asked before the spawn: a client may close its end as soon as the server has said a word. */
export function lookAtStdin(fd: number, parent: number): Stdin {
  try {
    const stats = fstatSync(fd);
    if (stats.isSocket()) {
      return { ofClient: true, hasEnded: !takesBytes(fd) && !isConnected(stats.ino) };
    }
    const isPipe = stats.isFIFO() && process.platform === 'linux';
    return isPipe ? lookAtPipe(stats.ino, parent) : ofNoClient;
  } catch {
    return ofNoClient;
  }
}

const ofNoClient: Stdin = { ofClient: false, hasEnded: false };

function lookAtPipe(inode: number, parent: number): Stdin {
  const descriptors = descriptorsOf(parent);
  // It has ended, or is about to: whether it held the other end cannot be told any more.
  if (process.ppid !== parent || descriptors.length === 0)
    return { ofClient: true, hasEnded: true };
  const ofClient = descriptors.some((fd) => isWriteEnd(parent, fd, `pipe:[${inode}]`));
  return { ofClient, hasEnded: false };
}

/**
 * Writes not a byte: the kernel says EPIPE all the same where the other end is closed, or where it is there
 * and this direction is shut (as Bun does).
 */
function takesBytes(socket: number): boolean {
  try {
    writeSync(socket, '');
    return true;
  } catch {
    return false;
  }
}

/** Three hold a socket of Unix that is connected: its file, its name in this list, and the other end. */
function isConnected(inode: number): boolean {
  for (const line of readFileSync('/proc/net/unix', 'latin1').split('\n')) {
    // Its address in the kernel, how many hold it, protocol, flags, type, state, inode, path.
    const fields = line.split(' ').filter((field) => field !== '');
    if (fields[6] === String(inode)) return Number.parseInt(fields[1] ?? '', 16) > 2;
  }
  return true;
}

/** None of a process that has ended. Throws for one of another user. */
function descriptorsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function isWriteEnd(pid: number, fd: string, pipe: string): boolean {
  try {
    if (readlinkSync(`/proc/${pid}/fd/${fd}`) !== pipe) return false;
    const flags = /^flags:\s*([0-7]+)$/mu.exec(
      readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1'),
    )?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & 0o3) !== 0;
  } catch {
    return false;
  }
}
