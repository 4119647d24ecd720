import { Socket, type SocketConstructorOpts } from 'node:net';
import { secretBytes } from '@mcp-broker/providers/secret-bytes';

/** What Node reads at once. */
const readBytes = 64 * 1024;

/** All connections are read into the same bytes: what comes is taken out before the next read. */
const buffer = secretBytes(readBytes);

/**
 * The connection of an accepted socket, paused until now, as one that hands what comes to `take`,
 * which has to be done with the bytes when it returns and overwrites what is secret. On its own Node
 * reads into memory that it copies from and frees, and a passphrase would stay there. A server cannot
 * be told so, only a socket's constructor (`onread`): the handle moves to a new one. `handle` is no
 * public option; the tests of the channel watch over it.
 */
export function readWith(accepted: Socket, take: (chunk: Buffer) => void): Socket {
  const owner = accepted as unknown as { _handle: object | null };
  const handle = owner._handle;
  owner._handle = null;
  accepted.destroy();
  const onread: SocketConstructorOpts['onread'] = {
    buffer,
    callback: (length) => {
      take(buffer.subarray(0, length));
      return true;
    },
  };
  return new Socket({ handle, onread } as SocketConstructorOpts);
}
