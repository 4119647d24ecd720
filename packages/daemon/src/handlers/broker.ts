import { isSupported } from '@mcp-broker/providers';
import { existsSync } from 'node:fs';
import { caller, type Broker } from '../broker.ts';
import { after } from '../clock.ts';
import type { RunningLaunch } from '../running/launch-journal.ts';
import type { Handlers } from '../listener/handler.ts';
import type { BackendStatus, KeysStatus, LaunchStatus, Status } from '../protocol/messages.ts';
import { version } from '../version.ts';

const patienceMs = 1000;

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
  // It seldom takes long; a dialog that nobody answers does.
  const { underWay } = broker.opening;
  if (underWay !== undefined) await Promise.race([underWay, after(broker.clock, patienceMs)]);
  return {
    version,
    pid: process.pid,
    started: new Date(broker.startedAt).toISOString(),
    home: paths.home,
    config: {
      file: paths.config,
      state: problem === undefined ? loaded.state : 'kept',
      unusable: loaded.unusable,
      ...(problem === undefined ? {} : { problem }),
    },
    keys: keysStatus(broker),
    backends: await Promise.all(
      // What every home has without an entry is shown once it can be used.
      Object.entries(broker.config.backends)
        .filter(([name, { kind }]) => isSupported(kind) || name !== kind)
        .filter(([, { kind }]) => kind !== 'sealed-file' || hasSealedFile(broker))
        .map(async ([name, { kind }]) => ({
          name,
          kind,
          state: await backendState(broker, name, kind, signal),
        })),
    ),
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

/** A home on the keychain needs none. */
function hasSealedFile({ keyring, paths }: Broker): boolean {
  return keyring.source === 'sealed' || existsSync(paths.secrets);
}

function keysStatus({ keyring, keychain }: Broker): KeysStatus {
  const { source, unlocked } = keyring;
  if (unlocked || source === 'sealed') return { source, state: unlocked ? 'ready' : 'locked' };
  return { source, state: 'locked', problem: keychain.closed().toShape() };
}

/** It was asked for the key of this home, and is not asked again for this. */
function ofKeys({ keyring, keychain }: Broker): BackendStatus['state'] {
  if (keyring.unlocked) return 'ready';
  return keychain.closed().code === 'ERR_LOCKED' ? 'locked' : 'unavailable';
}

/** A remote store is not asked for its state here: `mcp status` answers at once. */
async function backendState(
  broker: Broker,
  name: string,
  kind: string,
  signal: AbortSignal,
): Promise<BackendStatus['state']> {
  const { keyring } = broker;
  if (kind === 'keychain' && keyring.source === 'keychain') return ofKeys(broker);
  if (kind !== 'sealed-file') return 'unavailable';
  if (!keyring.isSealedOpen) return 'locked';
  try {
    const provider = await broker.resolver.provider(name);
    await provider.check?.({ signal });
    return 'ready';
  } catch {
    return 'missing';
  }
}
