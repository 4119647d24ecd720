import { fstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

/**
 * A descriptor whose end means that an MCP client has gone or wants us gone: a socket, or a pipe whose
 * write end `parent` holds. Never a file, a terminal, or a pipe from another program.
 */
export function isOfClient(fd: number, parent: number): boolean {
  try {
    const stats = fstatSync(fd);
    if (stats.isSocket()) return true;
    return stats.isFIFO() && holdsWriteEnd(parent, `pipe:[${stats.ino}]`);
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
