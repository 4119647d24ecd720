import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

import type { Client } from '@mcp-broker/daemon/client';
import { BrokerError, type Status } from '@mcp-broker/daemon/protocol';

import { installedService } from '../service/find-service.ts';
import { using, type Session } from './session.ts';
import { lockedKeys } from './keys-text.ts';

/** How long a daemon may take to end: its own grace for requests under way, and room. */
const stopWithinMs = 10_000;

export async function startDaemon(session: Session): Promise<number> {
  const before = await reachRunning(session);
  if (before !== undefined) {
    const pid = await using(before, readPid);
    session.output.done(`daemon already runs, pid ${pid}`, { pid, changed: false });
    return 0;
  }
  const pid = await using(await session.connect(), readPid);
  session.output.done(`daemon started, pid ${pid}`, { pid, changed: true });
  return 0;
}

export async function stopDaemon(session: Session): Promise<number> {
  const pid = await stopAndWait(session);
  const line = pid === undefined ? 'daemon was not running' : `daemon stopped, pid ${pid}`;
  session.output.done(line, { ...(pid === undefined ? {} : { pid }), changed: pid !== undefined });
  const installed = await installedService(session);
  if (installed?.state.manager === 'waiting' || installed?.state.manager === 'running') {
    const { name, toType } = installed.service;
    session.output.note(`${name} starts it again on its next use; to stop that: ${toType.stop}`);
  }
  return 0;
}

export async function restartDaemon(session: Session): Promise<number> {
  // One that runs goes on with the file of before; a new one could not start with a broken file.
  const { readConfig } = await import('@mcp-broker/daemon/config');
  readConfig(session.paths.config);
  await stopAndWait(session);
  const status = await using(await session.connect(), readStatus);
  const { pid, keys } = status;
  session.output.done(`daemon started, pid ${pid}`, { pid, changed: true });
  if (keys.state === 'locked') session.output.note(lockedKeys(keys));
  return 0;
}

/**
 * Ends the daemon and waits until its socket and its process are gone, so that the next one finds the
 * place free. Gives its pid, or undefined when none ran.
 */
export async function stopAndWait(session: Session): Promise<number | undefined> {
  const client = await reachRunning(session);
  if (client === undefined) return undefined;
  const { pid, lentSocket } = await using(client, async (reached) => {
    const running = await readStatus(reached);
    await reached.call('broker.stop', {});
    return running;
  });
  // One that a service manager lent it stays.
  const listens = (): boolean => lentSocket !== true && existsSync(session.paths.socket);
  const deadline = session.now() + stopWithinMs;
  while (listens() || runs(pid)) {
    if (session.now() > deadline) {
      throw new BrokerError('ERR_DAEMON_UNREACHABLE', `the daemon, pid ${pid}, does not end`, {
        hint: `kill ${pid}`,
      });
    }
    await pause(10);
  }
  return pid;
}

/** The daemon that runs. One whose socket a service manager holds is not started by looking for it. */
export async function reachRunning(session: Session): Promise<Client | undefined> {
  const installed = await installedService(session);
  return installed?.state.manager === 'waiting' ? undefined : session.reach();
}

async function readStatus(client: Client): Promise<Status> {
  return (await client.call('broker.status', {})).result;
}

async function readPid(client: Client): Promise<number> {
  return (await readStatus(client)).pid;
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    // A process that has ended is listed until its parent has asked for it, which may take a while.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/[ZX]/u.test(stat.charAt(stat.lastIndexOf(')') + 2));
  } catch {
    return process.platform !== 'linux';
  }
}
