import { rmSync } from 'node:fs';

import { BrokerError, type Status } from '@mcp-broker/daemon/protocol';

import { findService } from '../service/find-service.ts';
import type { Service } from '../service/service.ts';
import { stopAndWait } from './daemon.ts';
import { isThere, requireHome } from './home.ts';
import { lockedKeys } from './keys-text.ts';
import { using, type Session } from './session.ts';

/** Has the service manager of the user look after the daemon. A second time changes nothing. */
export async function installDaemon(session: Session, service?: Service): Promise<number> {
  const { output, paths } = session;
  const found = service ?? findService(session);
  requireHome(paths.home);
  const changed = found.write();
  const { enabled, manager } = await found.state();
  const { name } = found;
  if (!changed && enabled && (manager === 'running' || manager === 'waiting')) {
    output.done(`${name} is installed and active already`, { name, active: true, changed: false });
    return 0;
  }
  const started = await found.start(async () => {
    await stopAndWait(session);
  });
  if (!started.ok) {
    output.done(`${name} is written, and not active: ${started.reason}`, {
      name,
      active: false,
      changed,
      reason: started.reason,
      type: found.toType.start,
    });
    output.note(
      `no service manager of yours could be told; type: ${found.toType.start.join('; ')}`,
    );
    return 0;
  }
  const { pid, keys } = await serving(session, found);
  output.done(`${name} is installed and active, daemon pid ${pid}`, {
    name,
    active: true,
    changed: true,
    pid,
  });
  if (keys.state === 'locked') output.note(lockedKeys(keys));
  return 0;
}

/** The daemon as the manager starts it. When it cannot, all is undone: the next use starts one as before. */
async function serving(session: Session, service: Service): Promise<Status> {
  try {
    const client = await session.connect();
    const { result } = await using(client, () => client.call('broker.status', {}));
    if (!service.onDemand || result.lentSocket === true) return result;
    throw new BrokerError('ERR_CHECK_FAILED', `pid ${result.pid} is not the one that it started`, {
      hint: 'mcp daemon stop, then: mcp daemon install',
    });
  } catch (error) {
    await service.remove();
    await removeSocket(session);
    const { message, hint } =
      error instanceof BrokerError ? error : { message: 'it does not start', hint: undefined };
    throw new BrokerError(
      'ERR_CHECK_FAILED',
      `${service.name} is not installed, for its daemon does not serve: ${message}`,
      { hint: hint ?? service.logHint, cause: error },
    );
  }
}

/** Takes away what install made. The daemon starts on first use again. */
export async function uninstallDaemon(session: Session, service?: Service): Promise<number> {
  const { output } = session;
  const found = service ?? findService(session);
  const { removed, left, untold } = await found.remove();
  if (removed.length > 0 && untold === undefined) await removeSocket(session);
  const isDone = removed.length > 0;
  output.done(isDone ? `${found.name} is removed` : `${found.name} was not installed`, {
    name: found.name,
    removed,
    left,
    changed: isDone,
  });
  for (const path of left) output.warn(`left, since mcp daemon install did not write it: ${path}`);
  if (untold !== undefined) {
    output.note(`the service manager could not be told (${untold}); type: ${found.toType.stop}`);
  }
  return 0;
}

/** The manager leaves its socket behind, on which nobody listens. */
async function removeSocket({ paths, reach }: Session): Promise<void> {
  if (!isThere(paths.socket)) return;
  const client = await reach();
  if (client === undefined) rmSync(paths.socket, { force: true });
  else client.close();
}
