import { isSupported } from '@mcp-broker/providers';
import { caller, type Broker } from '../broker.ts';
import type { RunningLaunch } from '../running/launch-journal.ts';
import type { Handlers } from '../listener/handler.ts';
import { keychainState, leadsTo } from './keychain-state.ts';
import { closedState, hasSealedFile, keysState } from './keys-state.ts';
import type { BackendStatus } from '../protocol/backends.ts';
import type { LaunchStatus, Status } from '../protocol/messages.ts';
import { version } from '../version.ts';

/** The daemon itself: how it is, its config, its end. */
export function brokerHandlers(
  broker: Broker,
): Pick<Handlers, 'broker.status' | 'broker.stop' | 'config.reload'> {
  return {
    async 'broker.status'(_params, context) {
      return { result: await status(broker, context.signal) };
    },

    async 'broker.stop'(_params, context) {
      broker.stop(caller(context));
      return { result: {} };
    },

    async 'config.reload'() {
      await broker.reload();
      return { result: {} };
    },
  };
}

async function status(broker: Broker, signal: AbortSignal): Promise<Status> {
  const { paths, cache, approvals, grants, audit, vault, platform, loaded, configProblem } = broker;
  const problem = configProblem?.toShape();
  const keys = await keysState(broker);
  return {
    version,
    pid: process.pid,
    started: new Date(broker.startedAt).toISOString(),
    home: paths.home,
    ...(broker.lent ? { lentSocket: true } : {}),
    config: {
      file: paths.config,
      state: problem === undefined ? loaded.state : 'kept',
      unusable: loaded.unusable,
      ...(problem === undefined ? {} : { problem }),
    },
    keys,
    backends: await backendStates(broker, signal),
    cache: { entries: cache.entries, bytes: cache.bytes },
    memory: {
      reserved: vault.reserved,
      locked: platform.lockedMemory(),
      resident: process.memoryUsage.rss(),
    },
    grants: grants.list.filter(({ outcome }) => outcome === 'allowed').length,
    ...(grants.problem === undefined ? {} : { grantsProblem: grants.problem.toShape() }),
    pending: approvals.pending.length,
    connections: broker.connections(),
    launches: broker.running.list.map(launchStatus),
    audit: { sequence: audit.sequence, state: audit.state },
  };
}

function launchStatus({ since, wrapper, process: server, ...known }: RunningLaunch): LaunchStatus {
  const pids = known.replaced === true ? { pid: wrapper.pid } : { wrapper: wrapper.pid };
  return {
    ...known,
    since: new Date(since).toISOString(),
    ...pids,
    ...(server === undefined ? {} : { pid: server.pid }),
  };
}

/** Every backend, and how it is as far as this machine knows. */
export async function backendStates(
  broker: Broker,
  signal: AbortSignal,
): Promise<readonly BackendStatus[]> {
  return Promise.all(
    // What every home has without an entry is shown once it can be used.
    Object.entries(broker.config.backends)
      .filter(([name, { kind }]) => isSupported(kind) || name !== kind)
      .filter(([, { kind }]) => kind !== 'sealed-file' || hasSealedFile(broker))
      .map(async ([name, { kind }]) => ({
        name,
        kind,
        state: await backendState(broker, name, kind, signal),
      })),
  );
}

/** A remote store is not asked for its state here: `mcp status` answers at once. */
async function backendState(
  broker: Broker,
  name: string,
  kind: string,
  signal: AbortSignal,
): Promise<BackendStatus['state']> {
  if (kind === 'keychain') {
    if (!leadsTo(broker.config, name)) return 'unused';
    return closedState(broker) ?? keychainState(broker, name, signal);
  }
  if (kind !== 'sealed-file') return 'unavailable';
  if (!broker.keyring.isSealedOpen) return 'locked';
  try {
    const provider = await broker.resolver.provider(name);
    await provider.check?.({ signal });
    return 'ready';
  } catch {
    return 'missing';
  }
}
