import { createConnection } from 'node:net';
import { argv, stdin, stdout } from 'node:process';

// Connections that have said their hello and then nothing. Arguments: the socket's path and how many; says
// `ready` once each has its answer, and ends with its stdin.

const [path = '', count = '0'] = argv.slice(2);
const hello =
  '{"jsonrpc":"2.0","id":0,"method":"broker.hello","params":{"protocol":1,"client":"bench"}}\n';
/** So many connect at once: the listener's queue is not for thousands. */
const atOnce = 100;

for (let left = Number(count); left > 0; left -= atOnce) {
  await Promise.all(Array.from({ length: Math.min(left, atOnce) }, open));
}
stdout.write('ready');
stdin.resume().on('end', () => process.exit(0));

function open(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    socket.once('connect', () => socket.write(hello));
    socket.once('data', () => {
      resolve();
    });
    socket.once('error', reject);
  });
}
