import { createServer } from 'node:net';
import { argv, stdout } from 'node:process';

// What the daemon is measured against: JSON, one message a line, each answered with itself. The path of the
// socket is the argument; it ends with its stdin.

const lineFeed = 0x0a;

createServer((socket) => {
  let rest = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = bytes.indexOf(lineFeed); end !== -1; end = bytes.indexOf(lineFeed)) {
      socket.write(`${JSON.stringify(JSON.parse(bytes.toString('utf8', 0, end)))}\n`);
      bytes = bytes.subarray(end + 1);
    }
    rest = bytes;
  });
  socket.on('error', () => undefined);
}).listen(argv[2], () => {
  stdout.write('ready');
});
process.stdin.resume().on('end', () => process.exit(0));
