import { fstatSync, read, readdirSync, readlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import { promisify } from 'node:util';

import { BrokerError, secretBytes } from '@mcp-broker/daemon/protocol';

const readInto = promisify(read);

/** 1 MiB: more than any environment takes, and room for a key file. */
export const maxInput: number = 1024 * 1024;

/**
 * Everything from an inherited descriptor (a pipe, file or socket), to its end, as bytes that the
 * caller wipes. Throws `ERR_USAGE` when it is not open or gives more than 1 MiB.
 */
export async function readDescriptor(fd: number): Promise<Buffer> {
  requireInherited(fd);
  const bytes = new Growing();
  const chunk = secretBytes(16 * 1024);
  try {
    for (;;) {
      const { bytesRead } = await readInto(fd, chunk, 0, chunk.length, null);
      if (bytesRead === 0) return bytes.take();
      bytes.append(chunk.subarray(0, bytesRead));
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw refused(fd, error);
    await drain(new Socket({ fd, readable: true, writable: false }), bytes);
    return bytes.take();
  } finally {
    chunk.fill(0);
    bytes.wipe();
  }
}

/** For a descriptor that someone made non-blocking. */
async function drain(socket: Socket, bytes: Growing): Promise<void> {
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    bytes.append(chunk);
    chunk.fill(0);
  }
}

/**
 * Node has descriptors of its own: `--fd 5` without `5< FILE` would read one of them, and wait for
 * ever. Where the system shows what they are, they are told from what a caller opened.
 */
function requireInherited(fd: number): void {
  try {
    fstatSync(fd);
  } catch (error) {
    throw refused(fd, error);
  }
  if (fd <= 2) return;
  const link = target(fd);
  if (link === undefined) return;
  const twin = (): boolean =>
    readdirSync('/proc/self/fd').some(
      (other) => Number(other) > 2 && Number(other) !== fd && target(Number(other)) === link,
    );
  if (link.startsWith('anon_inode:') || (link.startsWith('pipe:') && twin())) throw refused(fd);
}

function target(fd: number): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined;
  }
}

function refused(fd: number, cause?: unknown): BrokerError {
  if (cause instanceof BrokerError) return cause;
  return new BrokerError('ERR_USAGE', `descriptor ${fd} is not open for reading`, {
    hint: `open it for the command: --fd ${fd} ${fd}< FILE`,
    cause,
  });
}

/** Bytes that grow, and leave no copy behind. */
class Growing {
  #buffer = secretBytes(16 * 1024);
  #length = 0;

  append(chunk: Uint8Array): void {
    const length = this.#length + chunk.length;
    if (length > maxInput) {
      throw new BrokerError('ERR_USAGE', 'the input is larger than 1 MiB', {
        hint: 'a secret is a token or a key, not a file of data',
      });
    }
    if (length > this.#buffer.length) {
      const larger = secretBytes(Math.max(length, 2 * this.#buffer.length));
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer.fill(0);
      this.#buffer = larger;
    }
    this.#buffer.set(chunk, this.#length);
    this.#length = length;
  }

  /** A copy of its own size. */
  take(): Buffer {
    const bytes = secretBytes(this.#length);
    this.#buffer.copy(bytes, 0, 0, this.#length);
    return bytes;
  }

  wipe(): void {
    this.#buffer.fill(0);
    this.#length = 0;
  }
}
