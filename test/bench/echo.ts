import { createServer } from 'node:net';
import { argv, stdout } from 'node:process';

// What the daemon is measured against: JSON, one message a line, each answered with itself but for its attachment. The path of the
// socket is the argument; it ends with its stdin.

interface Message {
  /** None or one, which comes with its line: what is written at once is short enough. */
  readonly attachments?: number;
}

const lineFeed = 0x0a;

createServer((socket) => {
  let rest = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = bytes.indexOf(lineFeed); end !== -1; end = bytes.indexOf(lineFeed)) {
      const { attachments = 0, ...message } = JSON.parse(bytes.toString('utf8', 0, end)) as Message;
      const next = end + 1 + (attachments === 0 ? 0 : 4 + bytes.readUInt32BE(end + 1));
      socket.write(`${JSON.stringify(message)}\n`);
      bytes = bytes.subarray(next);
    }
    rest = bytes;
  });
  socket.on('error', () => undefined);
}).listen(argv[2], () => {
  stdout.write('ready');
});
process.on('SIGUSR2', () => {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
});
process.stdin.resume().on('end', () => process.exit(0));
