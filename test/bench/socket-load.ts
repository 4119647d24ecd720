import { createConnection, type Socket } from 'node:net';
import { argv, cpuUsage, stdout } from 'node:process';
import { quantile } from './measure.ts';

// The client of the benches over the socket, in a process of its own: connections that stay open, and on
// each of them launches one after another, as the wrapper asks for one: `launch.request`, and with its
// ticket `launch.take`. An echo answers with what it got; to it the same is said.

/** What it is told, as JSON in the first argument. */
export interface Load {
  readonly socket: string;
  readonly connections: number;
  /** Milliseconds; those before the first are not counted. */
  readonly warmUp: number;
  readonly duration: number;
  /**
   * Milliseconds that a connection rests after each launch, in the mean; none unless told. Each time another
   * one, as those who were answered together would march in step from then on.
   */
  readonly rest?: number;
  /** Params of `launch.request`, */
  readonly launch: object;
  /** and its attachment: the inherited variables that steer, as the wrapper sends them. */
  readonly inherited: string;
}

/** What it tells, as one line of JSON. */
export interface LoadReport {
  readonly perSecond: number;
  /** Launches, those of the warm-up too. */
  readonly total: number;
  /** Milliseconds of one launch, which is two round trips. */
  readonly p50: number;
  readonly p99: number;
  /** Microseconds of processor time that this process took for one. */
  readonly cpu: number;
}

interface Answer {
  readonly id: number;
  readonly attachments?: number;
  readonly result?: { readonly ticket?: string };
  readonly error?: { readonly message: string };
}

const lineFeed = 0x0a;
const load = JSON.parse(argv[2] ?? '') as Load;
const { socket: path, connections, warmUp, duration, rest: restMs = 0 } = load;
const params = JSON.stringify(load.launch);
const attachment = Buffer.alloc(4 + Buffer.byteLength(load.inherited));
attachment.writeUInt32BE(attachment.length - 4);
attachment.write(load.inherited, 4);
const hello =
  '{"jsonrpc":"2.0","id":0,"method":"broker.hello","params":{"protocol":1,"client":"bench"}}\n';

let times: number[] = [];
let running = true;

const sockets = await Promise.all(
  Array.from({ length: connections }, () => open((socket) => converse(socket))),
);
await after(warmUp);
const warmUpLaunches = times.length;
times = [];
const cpuBefore = cpuUsage();
const began = performance.now();
await after(duration);
const seconds = (performance.now() - began) / 1000;
const cpu = cpuUsage(cpuBefore);
const done = times.sort((a, b) => a - b);
running = false;
for (const socket of sockets) socket.destroy();
const report: LoadReport = {
  perSecond: done.length / seconds,
  total: warmUpLaunches + done.length,
  p50: quantile(done, 0.5),
  p99: quantile(done, 0.99),
  cpu: (cpu.user + cpu.system) / done.length,
};
stdout.write(`${JSON.stringify(report)}\n`);

/** Launches, one after another, until it is over. */
function converse(socket: Socket): (answer: Answer) => void {
  let id = 0;
  let start = performance.now();
  const request = (before = ''): void => {
    if (!running) return;
    start = performance.now();
    const line = `${before}{"jsonrpc":"2.0","id":${(id += 1)},"method":"launch.request","params":${params},"attachments":1}\n`;
    socket.write(Buffer.concat([Buffer.from(line), attachment]));
  };
  let isTaking = false;
  // Not all at the same moment.
  if (restMs === 0) request(hello);
  else setTimeout(request, Math.random() * restMs, hello);
  return (answer) => {
    if (answer.error !== undefined) throw new Error(answer.error.message);
    if (answer.id === 0) return;
    if (isTaking) {
      times.push(performance.now() - start);
      if (restMs === 0) request();
      else setTimeout(request, Math.random() * 2 * restMs);
    } else {
      const ticket = answer.result?.ticket ?? '0'.repeat(32);
      socket.write(
        `{"jsonrpc":"2.0","id":${(id += 1)},"method":"launch.take","params":{"ticket":"${ticket}"}}\n`,
      );
    }
    isTaking = !isTaking;
  };
}

function open(start: (socket: Socket) => (answer: Answer) => void): Promise<Socket> {
  return new Promise((resolve, reject) => {
    let take = (_answer: Answer): void => {};
    let rest = Buffer.alloc(0);
    const buffer = Buffer.alloc(64 * 1024);
    const socket = createConnection({
      path,
      onread: {
        buffer,
        callback: (length) => {
          const chunk = buffer.subarray(0, length);
          const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
          rest = Buffer.from(bytes.subarray(readAnswers(bytes, take)));
          return true;
        },
      },
    });
    socket.once('connect', () => {
      resolve(socket);
      take = start(socket);
    });
    socket.once('error', reject);
    socket.once('close', () => {
      if (running) throw new Error('the other side ended the connection');
    });
  });
}

/** Gives how many of the bytes were whole answers. */
function readAnswers(bytes: Buffer, take: (answer: Answer) => void): number {
  let read = 0;
  for (;;) {
    const end = bytes.indexOf(lineFeed, read);
    if (end === -1) return read;
    const answer = JSON.parse(bytes.toString('utf8', read, end)) as Answer;
    let at = end + 1;
    for (let left = answer.attachments ?? 0; left > 0; left -= 1) {
      if (at + 4 > bytes.length) return read;
      at += 4 + bytes.readUInt32BE(at);
    }
    if (at > bytes.length) return read;
    read = at;
    take(answer);
  }
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
