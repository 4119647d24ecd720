import { Socket, type SocketConstructorOpts } from 'node:net';
import type { Readable } from 'node:stream';
import { secretBytes } from './secret-bytes.ts';

/** What Node reads at once. */
const readBytes = 64 * 1024;

/** All connections are read into the same bytes: what comes is taken out before the next read. */
const buffer = secretBytes(readBytes);

interface Handle {
  reading?: boolean;
  readStop(): number;
}

/**
 * The connection of an accepted socket, paused until now, or of a pipe that a child has just been given, as
 * one that hands what comes to `take`, which has to be done with the bytes when it returns and overwrites
 * what is secret. On its own Node reads into memory that it copies from and frees, and a passphrase would
 * stay there. A server or a child cannot be told so, only a socket's constructor (`onread`): the handle
 * moves to a new one. `handle` is no public option; the tests of the channel watch over it.
 */
export function readWith(accepted: Socket | Readable, take: (chunk: Buffer) => void): Socket {
  const owner = accepted as unknown as { _handle: Handle | null };
  const handle = owner._handle;
  if (handle?.reading === true) {
    // A pipe reads from the start, into memory of Node's own; in this turn nothing has come yet.
    handle.readStop();
    handle.reading = false;
  }
  owner._handle = null;
  accepted.destroy();
  const onread: SocketConstructorOpts['onread'] = {
    buffer,
    callback: (length) => {
      take(buffer.subarray(0, length));
      return true;
    },
  };
  const options: object = { handle, onread };
  return new Socket(options);
}
