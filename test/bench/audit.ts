import { randomBytes } from 'node:crypto';
import {
  closeSync,
  createWriteStream,
  fdatasyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { AuditEvent } from '../../packages/daemon/src/audit/event.ts';
import { encodeEvent, linkLine } from '../../packages/daemon/src/audit/line.ts';
import { hashLine, origin } from '../../packages/daemon/src/audit/link.ts';
import { openAuditLog } from '../../packages/daemon/src/audit/log.ts';
import { mcpCommand } from '../kit/home.ts';
import { compare, interleave, table, type Case } from './measure.ts';

const appendMs = 3000;
const waiters = 256;
const logLines = 1_000_000;
const days = 30;
const servers = 50;
const start = Date.UTC(2026, 0, 1);

const event = (server: string): AuditEvent => ({
  event: 'launch',
  outcome: 'allowed',
  launch: '0123456789abcdef',
  server,
  variables: ['GITHUB_TOKEN', 'DATABASE_URL'],
  cached: 2,
  age_ms: 1234,
  fingerprint: 'ab'.repeat(32),
  pid: 12_345,
  uid: 1000,
  claims: { client: 'mcp 0.1.0' },
  duration_ms: 3,
});

/** Lines a second that are on the disk, beside what the disk itself does with one line at a time. */
export async function auditAppend(): Promise<string> {
  // In the working folder: a temporary one may lie in memory.
  const folder = mkdtempSync(join(process.cwd(), '.bench-'));
  try {
    const line = Buffer.from(
      `${linkLine(encodeEvent(event('server-1'), start), 1, origin.hash)}\n`,
    );
    const bare = bareSync(join(folder, 'bare'), line);
    const bytes = randomBytes(32);
    const key = { use: <T>(action: (lent: Uint8Array) => T): T => action(bytes), wipe: () => {} };
    const log = await openAuditLog(join(folder, 'audit'), Date.now);
    log.useKey(key);
    const rates = [];
    for (const count of [1, 16, waiters])
      rates.push([count, await appendRate(log, count)] as const);
    await log.close();
    return table([
      ['', 'lines/s', 'aim'],
      ['write + fdatasync, one line each', bare.toFixed(0), ''],
      ...rates.map(([count, rate]) => [
        `the log, ${count} at once`,
        rate.toFixed(0),
        count === waiters ? '5000' : '',
      ]),
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function bareSync(file: string, line: Buffer): number {
  const fd = openSync(file, 'a', 0o600);
  let count = 0;
  const began = performance.now();
  while (performance.now() - began < appendMs) {
    writeSync(fd, line);
    fdatasyncSync(fd);
    count += 1;
  }
  closeSync(fd);
  return (count * 1000) / (performance.now() - began);
}

async function appendRate(
  log: Awaited<ReturnType<typeof openAuditLog>>,
  count: number,
): Promise<number> {
  const before = log.sequence;
  const began = performance.now();
  const work = async (): Promise<void> => {
    while (performance.now() - began < appendMs) await log.append(event('server-1'));
  };
  await Promise.all(Array.from({ length: count }, work));
  return ((log.sequence - before) * 1000) / (performance.now() - began);
}

/** A server in a day, over a million lines in one file: the command, grep, and what Node takes to start. */
export async function auditSearch(): Promise<string> {
  const home = mkdtempSync(join(tmpdir(), 'mcp-bench-'));
  const file = join(home, 'audit', 'current.jsonl');
  try {
    mkdirSync(dirname(file), { mode: 0o700 });
    await writeLog(file);
    const env = { HOME: home, MCP_HOME: home, PATH: `${dirname(process.execPath)}:/usr/bin:/bin` };
    const day = '2026-01-17';
    const wanted = ['--server', 'server-7', '--since', day, '--until', '2026-01-18'];
    const pattern = `"time":"${day}T[^"]*".*"server":"server-7"`;
    // Into a file: grep ends at its first line when it sees that nobody reads.
    const intoFile = (name: string, command: string, ...args: string[]): Case => ({
      name,
      command: ['sh', '-c', 'exec "$0" "$@" > "$HOME/out"', command, ...args],
      env,
    });
    return compare(
      interleave(
        [
          intoFile('grep, server and day', 'grep', pattern, file),
          intoFile('grep, server alone', 'grep', '-F', '"server":"server-7"', file),
          intoFile('node -e 0', process.execPath, '-e', '0'),
          intoFile('mcp --version', mcpCommand, '--version'),
          intoFile('mcp audit search', mcpCommand, 'audit', 'search', '--json', ...wanted),
        ],
        10,
        2,
      ),
      { 'mcp audit search': '2.00 ×' },
    );
  } finally {
    rmSync(home, { recursive: true });
  }
}

async function writeLog(file: string): Promise<void> {
  const stream = createWriteStream(file, { mode: 0o600 });
  let head = origin;
  let group: string[] = [];
  for (let n = 0; n < logLines; n++) {
    const time = start + Math.floor((n * days * 86_400_000) / logLines);
    const body = encodeEvent(event(`server-${(n * 7919) % servers}`), time);
    const line = linkLine(body, head.seq + 1, head.hash);
    head = { seq: head.seq + 1, hash: hashLine(line) };
    // As long as one with a MAC; the search does not look at it.
    group.push(`${line.slice(0, -1)},"mac":"${head.hash}"}\n`);
    if (group.length < 10_000) continue;
    if (!stream.write(group.join(''))) await once(stream, 'drain');
    group = [];
  }
  stream.end(group.join(''));
  await once(stream, 'close');
}
