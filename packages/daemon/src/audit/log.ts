import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { BrokerError } from '@mcp-broker/providers/errors';
import { hashLine } from './chain.ts';
import type { AuditEvent, AuditLog } from './event.ts';
import { fileName, openLogFile, realDisk, type Disk, type LogFile } from './file.ts';
import { endOfLines, readLastLines } from './last-lines.ts';
import { encodeEvent, linkLine } from './line.ts';
import { errorCode } from './own-file.ts';

interface Waiting {
  readonly body: string;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Opens `folder` (made 0700), reads the newest line, and goes on with its number and chain. Throws
 * `ERR_INSECURE_FILE`, `ERR_CORRUPT` and `ERR_AUDIT`. `now` is the wall clock.
 */
export async function openAuditLog(
  folder: string,
  now: () => number,
  disk: Disk = realDisk,
): Promise<AuditLog> {
  /** Undefined after a failure, until the next line opens it anew. */
  let file: LogFile | undefined;
  try {
    file = await openLogFile(folder, disk);
  } catch (error) {
    throw error instanceof BrokerError ? error : failure(folder, 'written', error);
  }
  let { known } = file;
  let waiting: Waiting[] = [];
  let writing: Promise<void> | undefined;
  let state: AuditLog['state'] = 'ok';
  let closed = false;
  const listeners = new Set<(line: string) => void>();

  const write = async (group: readonly Waiting[]): Promise<void> => {
    let next = known.head;
    const lines = group.map(({ body }) => {
      const line = linkLine(body, next.seq + 1, next.hash);
      next = { seq: next.seq + 1, hash: hashLine(line) };
      return line;
    });
    try {
      file ??= await openLogFile(folder, disk, known);
      await file.append(Buffer.from(`${lines.join('\n')}\n`), next);
    } catch (error) {
      state = 'failing';
      closeQuietly(file);
      file = undefined;
      const reason = failure(folder, 'written', error);
      for (const { reject } of group) reject(reason);
      return;
    }
    ({ known } = file);
    state = 'ok';
    for (const { resolve } of group) resolve();
    for (const line of lines) tell(line);
  };

  const tell = (line: string): void => {
    for (const listener of listeners) {
      try {
        listener(line);
      } catch {
        // One that fails hears no more; the line is written and its waiter has been told.
        listeners.delete(listener);
      }
    }
  };

  /** Lines that come while others are written wait together and share the next write. */
  const drain = async (): Promise<void> => {
    // Those of one turn go together from the first.
    await Promise.resolve();
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      await write(group);
    }
    writing = undefined;
  };

  return {
    append: (event: AuditEvent) =>
      new Promise((resolve, reject) => {
        if (closed) throw failure(folder, 'written', 'it is closed');
        waiting.push({ body: encodeEvent(event, now()), resolve, reject });
        writing ??= drain();
      }),
    async tail(lines) {
      const { size } = known;
      if (size === 0) return [];
      try {
        const fd = openSync(join(folder, fileName), constants.O_RDONLY | constants.O_NOFOLLOW);
        try {
          const end = await endOfLines(fd, Math.min(size, fstatSync(fd).size));
          return await readLastLines(fd, end, lines);
        } finally {
          closeSync(fd);
        }
      } catch (error) {
        throw failure(folder, 'read', error);
      }
    },
    follow(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    get sequence() {
      return known.head.seq;
    },
    get state() {
      return state;
    },
    async close() {
      closed = true;
      await writing;
      listeners.clear();
      closeQuietly(file);
      file = undefined;
    },
  };
}

function closeQuietly(file: LogFile | undefined): void {
  try {
    file?.close();
  } catch {
    // Every line that was acknowledged is on the disk already.
  }
}

const hints: Readonly<Record<string, (folder: string) => string>> = {
  ENOSPC: (folder) => `make room: df -h ${folder}`,
  EDQUOT: (folder) => `make room: df -h ${folder}`,
  EROFS: (folder) => `mount it for writing: findmnt -T ${folder}`,
  EIO: () => 'the disk fails: dmesg | tail',
};

/** One error for all that can go wrong, with what to look at. */
function failure(folder: string, what: 'written' | 'read', error: unknown): BrokerError {
  const ours = error instanceof BrokerError ? error : undefined;
  const code = errorCode(error) ?? 'unknown error';
  const reason = ours?.message ?? (typeof error === 'string' ? error : code);
  return new BrokerError('ERR_AUDIT', `the audit log cannot be ${what}: ${reason}`, {
    hint: ours?.hint ?? hints[code]?.(folder) ?? `ls -la ${folder}`,
    subject: folder,
    retryable: true,
    cause: error,
  });
}
