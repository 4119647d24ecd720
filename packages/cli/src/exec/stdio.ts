import { closeSync, constants, openSync } from 'node:fs';

/**
 * Takes the streams on our descriptors away from this process: they are the server's. A stream that
 * Node opens on a pipe makes it non-blocking for everyone who holds it, and Node opens stderr without
 * being asked, such as when a socket closes. Errors are written by descriptor.
 */
export function giveUpStreams(): void {
  for (const name of ['stdin', 'stdout', 'stderr']) {
    Object.defineProperty(process, name, { value: undefined });
  }
}

/**
 * Lets go of stdout once the server has it: when the server closes it, the client sees its end, although we
 * still run. Whatever is opened later must not become descriptor 1, so that nothing is ever written to.
 */
export function leaveStdout(): void {
  closeSync(1);
  openSync('/dev/null', constants.O_WRONLY);
}

/**
 * Ends us at once: there is nothing to flush, and tidying up takes half a millisecond. At its end Node would
 * give the streams the modes that they had when we came, behind a shell that of its editor; closed ones it
 * leaves as the server has left them.
 */
export function leave(code: number): never {
  for (const fd of [0, 1, 2]) {
    try {
      closeSync(fd);
    } catch {
      // It was none.
    }
  }
  process.exit(code);
}
