import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lacks } from '../../../../test/kit/needs.ts';
import type { AuditEvent } from '../audit/event.ts';
import { systemClock } from '../clock.ts';
import { openLaunchJournal, type RunningLaunch } from './launch-journal.ts';
import type { Connection } from '../listener/handler.ts';
import type { Peer } from '../listener/peer.ts';
import type { ProcessFacts } from '../platform/platform.ts';
import { readStat } from '../platform/proc.ts';
import { createRunning, type Running } from './running.ts';
import { machine, type FakeProcess } from '../testing/fake-machine.ts';

// The wrappers are made up, with their servers as children; what is ended is real.

const wrapper: Peer = { pid: 70, uid: 0, startTime: '700' };
const launch: RunningLaunch = {
  launch: '0123456789abcdef',
  variables: ['TOKEN'],
  since: 5,
  wrapper: { pid: wrapper.pid, startTime: wrapper.startTime },
};
const polled = { timeout: 15_000 };

interface FakeConnection extends Connection {
  close(): void;
}

let folder: string;
let processes: Record<number, FakeProcess>;
let recorded: AuditEvent[];
let running: Running;
let children: ChildProcess[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-running-'));
  processes = {
    70: { startTime: '700' },
    71: { startTime: '710', parent: 70 },
    72: { startTime: '720', parent: 70 },
    80: { startTime: '800' },
  };
  recorded = [];
  children = [];
  running = start();
});
afterEach(async () => {
  running.stop();
  for (const child of children) await end(child);
  rmSync(folder, { recursive: true });
});

/** A daemon, or the one that comes after it. */
function start(): Running {
  return createRunning({
    journal: openLaunchJournal(join(folder, 'launches'), 'boot'),
    platform: machine(processes),
    clock: systemClock,
    record: (line) => recorded.push(line),
  });
}

function restart(): void {
  running.stop();
  running = start();
}

function connection(): FakeConnection {
  const actions: (() => void)[] = [];
  return {
    id: 1,
    send: () => undefined,
    onClose: (action) => actions.push(action),
    close: () => {
      for (const action of actions.splice(0)) action();
    },
  };
}

/** A process of this machine, and its start time. */
function sleeper(env: Readonly<Record<string, string>> = {}): { pid: number; startTime: string } {
  const child = spawn('sleep', ['300'], { env, stdio: 'ignore' });
  children.push(child);
  const pid = child.pid ?? 0;
  return { pid, startTime: readStat(pid)?.startTime ?? '' };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

function facts(own: { startTime: string }, rest: Partial<ProcessFacts> = {}): FakeProcess {
  return { startTime: own.startTime, parent: wrapper.pid, ...rest };
}

describe('a registration is refused', () => {
  const child = { pid: 71, by: wrapper, launch: launch.launch };
  test.each<[string, Partial<typeof child>, RegExp]>([
    ['of a launch that was never taken', { launch: 'fedcba9876543210' }, /no such launch/u],
    ['by another process', { by: { pid: 80, uid: 0, startTime: '800' } }, /no such launch/u],
    ['by its own server', { by: { pid: 71, uid: 0, startTime: '710' } }, /no such launch/u],
    [
      'by whoever has the pid of the wrapper now',
      { by: { ...wrapper, startTime: '701' } },
      /no such launch/u,
    ],
    ['of a process that is not its child', { pid: 80 }, /process 80 is no child/u],
    ['of the process that all descend from', { pid: 1 }, /process 1 is no child/u],
  ])('%s', (_what, { pid, by, launch: id }, message) => {
    processes[1] = { startTime: '1', parent: 0 };
    running.taken(launch, connection());
    expect(() => {
      running.started(id ?? child.launch, pid ?? child.pid, by ?? child.by, connection());
    }).toThrow(message);
    expect(running.list).toMatchObject([launch]);
  });

  test('of a second server', () => {
    const mine = connection();
    running.taken(launch, mine);
    running.started(launch.launch, 71, wrapper, mine);
    running.started(launch.launch, 71, wrapper, mine);
    expect(() => {
      running.started(launch.launch, 72, wrapper, mine);
    }).toThrow(/process 72 is not the server of this launch/u);
    expect(running.list).toEqual([{ ...launch, process: { pid: 71, startTime: '710' } }]);
  });

  test('of the server of another launch', () => {
    const mine = connection();
    running.taken(launch, mine);
    running.started(launch.launch, 71, wrapper, mine);
    running.taken({ ...launch, launch: 'second' }, mine);
    expect(() => {
      running.started('second', 71, wrapper, mine);
    }).toThrow(/process 71 is the server of another launch/u);
  });

  test('of a process that has got the pid of the server', () => {
    running.taken(launch, connection());
    running.started(launch.launch, 71, wrapper, connection());
    processes[71] = { startTime: '711', parent: 70 };
    restart();
    running.resume();
    expect(() => {
      running.started(launch.launch, 71, wrapper, connection());
    }).toThrow(/process 71 is not the server of this launch/u);
  });

  test('after the launch has ended, and so is a second end', () => {
    running.taken(launch, connection());
    running.ended(launch.launch, wrapper, 3, connection());
    expect(() => {
      running.started(launch.launch, 71, wrapper, connection());
    }).toThrow(/no such launch/u);
    expect(() => {
      running.ended(launch.launch, wrapper, 3, connection());
    }).toThrow(/no such launch/u);
    expect(recorded).toHaveLength(1);
  });

  test('when the journal does not have it: a restarted daemon believes no wrapper', () => {
    restart();
    running.resume();
    expect(() => {
      running.started(launch.launch, 71, wrapper, connection());
    }).toThrow(/no such launch/u);
  });
});

test('the end of a launch is for its wrapper alone to tell', () => {
  running.taken(launch, connection());
  expect(() => {
    running.ended(launch.launch, { pid: 71, uid: 0, startTime: '710' }, 0, connection());
  }).toThrow(/no such launch/u);
  running.ended(launch.launch, wrapper, 7, connection());
  expect(recorded).toMatchObject([
    { event: 'exit', outcome: 'allowed', launch: launch.launch, exit: 7, pid: 70 },
  ]);
  expect(running.list).toEqual([]);
});

test('of those that take values and start nothing, the oldest are forgotten', () => {
  const mine = connection();
  const ids = Array.from({ length: 100 }, (_, index) => index.toString(16).padStart(16, '0'));
  running.taken(launch, mine);
  running.started(launch.launch, 71, wrapper, mine);
  for (const id of ids) running.taken({ ...launch, launch: id }, mine);
  const kept = [launch.launch, ...ids.slice(-64)];
  expect(running.list.map((one) => one.launch)).toEqual(kept);
  expect(openLaunchJournal(join(folder, 'launches'), 'boot').before).toHaveLength(65);
});

test('that is so for whoever takes each by a connection of its own, and closes it', () => {
  for (let count = 0; count < 100; count += 1) {
    const one = connection();
    running.taken({ ...launch, launch: String(count) }, one);
    one.close();
  }
  // Another wrapper has its own.
  running.taken(
    { ...launch, launch: 'other', wrapper: { pid: 80, startTime: '800' } },
    connection(),
  );
  expect(running.list.map((each) => each.launch)).toEqual([
    ...Array.from({ length: 64 }, (_, index) => String(36 + index)),
    'other',
  ]);
});

test('and for whoever names a server that has ended since', () => {
  const mine = connection();
  for (let count = 0; count < 100; count += 1) {
    const id = String(count);
    processes[71] = { startTime: `71${count}`, parent: 70 };
    running.taken({ ...launch, launch: id }, mine);
    running.started(id, 71, wrapper, mine);
  }
  expect(running.list).toHaveLength(64);
});

test('a launch that a restarted daemon knows is as it was, also when its connection has changed', async () => {
  const known = { ...launch, client: 'mcp exec', parent: { pid: 9, name: 'claude' } };
  running.taken(known, connection());
  running.started(launch.launch, 71, wrapper, connection());
  restart();
  running.resume();
  const [first, second] = [connection(), connection()];
  running.started(launch.launch, 71, wrapper, first);
  running.started(launch.launch, 71, wrapper, second);
  // Its wrapper lives, so nothing follows from either of these.
  first.close();
  second.close();
  await expect
    .poll(() => running.list, polled)
    .toEqual([{ ...known, process: { pid: 71, startTime: '710' } }]);
  expect(recorded).toEqual([]);
});

describe.skipIf(lacks('linux'))('when the wrapper has gone', () => {
  /** Older than all that the test starts, in the kernel's unit. */
  const early = { pid: wrapper.pid, startTime: '1' };
  const peer: Peer = { ...wrapper, startTime: '1' };
  const ours: RunningLaunch = { ...launch, wrapper: early };

  beforeEach(() => {
    processes[70] = { startTime: '1' };
  });

  test('B21: its server is ended, and the launch is written down as one that failed', async () => {
    const server = sleeper();
    const mine = connection();
    processes[server.pid] = facts(server);
    running.taken(ours, mine);
    running.started(launch.launch, server.pid, peer, mine);
    delete processes[70];
    mine.close();
    await expect.poll(() => readStat(server.pid), polled).toBeUndefined();
    await expect.poll(() => recorded, polled).toMatchObject([{ event: 'exit', outcome: 'failed' }]);
    expect(running.list).toEqual([]);
  });

  test('so is what carries the mark of the launch, of which no pid was told', async () => {
    const [marked, other] = [
      sleeper({ MCP_LAUNCH: launch.launch }),
      sleeper({ MCP_LAUNCH: 'fedcba9876543210' }),
    ];
    const mine = connection();
    running.taken(ours, mine);
    delete processes[70];
    mine.close();
    await expect.poll(() => readStat(marked.pid), polled).toBeUndefined();
    await expect.poll(() => recorded, polled).toHaveLength(1);
    expect(readStat(other.pid)).toBeDefined();
  });

  test('of thousands of which no pid was told, all are dealt with in one look', async () => {
    const marked = sleeper({ MCP_LAUNCH: launch.launch });
    const connections = Array.from({ length: 50 }, connection);
    for (const [index, one] of connections.entries()) {
      for (let count = 0; count < 64; count += 1) {
        const id = (index * 64 + count).toString(16).padStart(16, '0');
        running.taken({ ...ours, launch: id }, one);
      }
    }
    running.taken(ours, connections[0] ?? connection());
    delete processes[70];
    for (const one of connections) one.close();
    await expect.poll(() => readStat(marked.pid), polled).toBeUndefined();
    await expect.poll(() => recorded, polled).toMatchObject([{ launch: launch.launch }]);
    expect(running.list).toEqual([]);
    expect(openLaunchJournal(join(folder, 'launches'), 'boot').before).toEqual([]);
  });

  test('and what is left of the session that its server led, without a mark', async () => {
    const leader = spawn('sh', ['-c', 'sleep 300 & echo $!; read line'], {
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    children.push(leader);
    const [said] = (await once(leader.stdout, 'data')) as [Buffer];
    const left = Number(String(said));
    const server = { pid: leader.pid ?? 0, startTime: readStat(leader.pid ?? 0)?.startTime ?? '' };
    const mine = connection();
    processes[server.pid] = facts(server, { leadsSession: true });
    running.taken(ours, mine);
    running.started(launch.launch, server.pid, peer, mine);
    leader.stdin.end();
    await once(leader, 'exit');
    expect(readStat(left)).toBeDefined();
    delete processes[70];
    mine.close();
    await expect.poll(() => readStat(left), polled).toBeUndefined();
    await expect.poll(() => recorded, polled).toHaveLength(1);
  });

  test('a stranger that has got the pid of the server is left alone', async () => {
    const stranger = sleeper();
    const server = { pid: stranger.pid, startTime: String(BigInt(stranger.startTime) - 1n) };
    openLaunchJournal(join(folder, 'launches'), 'boot').put({ ...ours, process: server });
    restart();
    delete processes[70];
    running.resume();
    await expect.poll(() => recorded, polled).toMatchObject([{ event: 'exit', outcome: 'failed' }]);
    expect(readStat(stranger.pid)?.startTime).toBe(stranger.startTime);
    expect(running.list).toEqual([]);
  });

  test('a wrapper’s pid that is a stranger’s now is a wrapper that has gone', async () => {
    const server = sleeper();
    openLaunchJournal(join(folder, 'launches'), 'boot').put({ ...ours, process: server });
    restart();
    processes[70] = { startTime: '2' };
    running.resume();
    await expect.poll(() => readStat(server.pid), polled).toBeUndefined();
    await expect.poll(() => recorded, polled).toHaveLength(1);
  });

  test('and the daemon as well in the middle of it, the next one ends the rest', async () => {
    const server = sleeper({ MCP_LAUNCH: launch.launch });
    const path = join(folder, 'launches');
    const mine = connection();
    running.taken(ours, mine);
    delete processes[70];
    mine.close();
    running.stop();
    expect(readFileSync(path, 'utf8')).toContain(launch.launch);
    running = start();
    running.resume();
    await expect.poll(() => readStat(server.pid), polled).toBeUndefined();
    await expect.poll(() => openLaunchJournal(path, 'boot').before, polled).toEqual([]);
  });
});
