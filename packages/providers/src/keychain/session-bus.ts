import { connect, type Socket } from 'node:net';

/**
 * Somebody at this address speaks as a message bus does (D-Bus specification, "Authentication Protocol").
 * The library would wait for ever for one that does not. Rejects with the signal's reason.
 */
export async function isBusSpeaking(address: string, signal: AbortSignal): Promise<boolean> {
  const path = socketPath(address);
  if (path === undefined) return false;
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const onAbort = (): void => {
    reject(signal.reason);
  };
  let socket: Socket | undefined;
  try {
    signal.throwIfAborted();
    signal.addEventListener('abort', onAbort);
    socket = connect({ path });
    socket.once('error', () => {
      resolve(false);
    });
    socket.once('close', () => {
      resolve(false);
    });
    socket.once('data', (line) => {
      resolve(line.toString('latin1').startsWith('OK '));
    });
    const uid = Buffer.from(String(process.geteuid?.() ?? 0)).toString('hex');
    socket.write(`\0AUTH EXTERNAL ${uid}\r\n`);
    return await promise;
  } finally {
    signal.removeEventListener('abort', onAbort);
    socket?.destroy();
  }
}

/** Only sockets of this machine. */
function socketPath(address: string): string | undefined {
  const [, kind, escaped = ''] = /^unix:(path|abstract)=([^,;]+)/u.exec(address) ?? [];
  if (kind === undefined) return undefined;
  const path = escaped.replaceAll(/%([0-9a-fA-F]{2})/gu, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return kind === 'abstract' ? `\0${path}` : path;
}
