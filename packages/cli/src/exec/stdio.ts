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
