import { createProvider, toBrokerError, type BrokerError } from '@mcp-broker/providers';
import { createAuditKeys } from './audit/keys.ts';
import { openAuditLog } from './audit/log.ts';
import type { Broker } from './broker.ts';
import { createCache } from './cache.ts';
import { after, type Clock } from './clock.ts';
import { readConfig, watchConfig, type LoadedConfig } from './config/index.ts';
import { approvalHandlers } from './handlers/approval.ts';
import { auditHandlers } from './handlers/audit.ts';
import { backendHandlers } from './handlers/backend.ts';
import { brokerHandlers } from './handlers/broker.ts';
import { closeToServers } from './handlers/closed-to-servers.ts';
import { keychainHandlers } from './handlers/keychain.ts';
import { launchLifeHandlers } from './handlers/launch-life.ts';
import { launchHandlers } from './handlers/launch.ts';
import { lockAll, sealedHandlers } from './handlers/sealed.ts';
import { moveHandlers } from './handlers/move.ts';
import { revealHandlers } from './handlers/reveal.ts';
import { secretHandlers } from './handlers/secret.ts';
import { toolHandlers } from './handlers/tools.ts';
import { createShow } from './desktop.ts';
import { openLaunchJournal } from './running/launch-journal.ts';
import { startListener, type Listener } from './listener/listener.ts';
import { createVault } from './memory.ts';
import { openFirst } from './handlers/open-first.ts';
import { createOpening } from './keys/opening.ts';
import { createNotifier } from './notify.ts';
import type { Paths } from './paths.ts';
import type { Platform } from './platform/platform.ts';
import { createApprovals } from './grants/approvals.ts';
import { createCodes } from './policy/codes.ts';
import { createDigests } from './program/digests.ts';
import { createGrants } from './grants/grants.ts';
import { createLaunches } from './policy/launches.ts';
import { createAllowedNamespaces } from './policy/namespaces.ts';
import { createPresence } from './policy/presence.ts';
import { createPrograms } from './program/program.ts';
import { createResolver } from './resolver.ts';
import { createRunning } from './running/running.ts';
import { findSessionBus } from './session-bus.ts';
import { createHomeKeys } from './keys/home-keys.ts';
import { createTools } from './tools/tools.ts';
import { version } from './version.ts';

const stopGraceMs = 2000;

export interface DaemonOptions {
  readonly paths: Paths;
  readonly platform: Platform;
  readonly clock: Clock;
  /** A plain identity file that the service manager lends, before the one of the config. */
  readonly credential: string | undefined;
  /** The socket that a service manager has bound for us. */
  readonly lent?: number | undefined;
  readonly report: (line: string) => void;
  /** Called once, when everything is closed. */
  readonly onStopped: () => void;
}

export interface Daemon {
  reload(): Promise<void>;
  stop(): Promise<void>;
}

/** Puts the parts together and listens. What it throws, it throws before the first connection. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { paths, platform, clock, report } = options;
  let loaded = readConfig(paths.config);
  let configProblem: BrokerError | undefined;
  // A shorter time counts when we start anew: else a config that is changed behind a person's back would
  // have old lines removed, and the log say that this is as it should be.
  let { keepMs } = loaded.config.audit;
  const audit = await openAuditLog(paths.audit, clock.now, {
    limits: () => ({ ...loaded.config.audit, keepMs }),
    onForged: () => {
      report('audit: the log is not what it was when its last MAC was made: mcp audit verify');
    },
  });

  const vault = createVault();
  const cache = createCache({ vault, clock, maxEntries: 10_000 });
  const sessionBus = (): string | undefined => findSessionBus(loaded.config.settings.sessionBus);
  const keys = createHomeKeys({
    paths,
    platform,
    clock,
    vault,
    sessionBus,
    report,
    identityFile: () => options.credential ?? loaded.config.settings.identityFile,
    lockAfterMs: () => loaded.config.settings.lockAfterMs,
    onIdle: () => void lockAll(broker),
    onOther: () => {
      grants.lock();
    },
  });
  const { keychain, keyring, own, binding } = keys;
  const programs = createPrograms(createDigests());
  const tools = createTools({ paths, programs, config: () => loaded.config });
  const resolver = createResolver({
    config: () => loaded.config,
    cache,
    clock,
    open: (kind, settings, backend) =>
      createProvider(kind, settings, {
        ...keys.context,
        backend,
        admitTool: (operation) => tools.admit(backend, settings, operation),
        after: (ms, action) => clock.after(ms, action),
      }),
  });
  const grants = createGrants({
    paths,
    clock,
    keyring,
    own,
    onRefused: (_refusal, { code, message }) => {
      report(`grants: ${message}`);
      audit.append({ event: 'revoke', outcome: 'failed', code }).catch(() => undefined);
    },
  });
  const auditKeys = createAuditKeys({ audit, keyring, vault, own, clock, paths, report });
  const launches = createLaunches(platform);
  const journal = openLaunchJournal(paths.launches);
  // What the daemon before us launched is no person to us either.
  for (const { wrapper } of journal.before) launches.add(wrapper);
  // Nor is what we run ourselves: the tools of backends.
  launches.add({ pid: process.pid, startTime: platform.startTime(process.pid) ?? '' });
  const running = createRunning({
    journal,
    platform,
    clock,
    record: (line) => void audit.append(line).catch(() => undefined),
  });
  const namespaces = createAllowedNamespaces(loaded.config.settings.allowNamespaces);

  const take = async (next: LoadedConfig): Promise<void> => {
    loaded = next;
    configProblem = undefined;
    broker.presence.configure(next.config.settings.presence);
    namespaces.configure(next.config.settings.allowNamespaces);
    keepMs = Math.max(keepMs, next.config.audit.keepMs);
    keyring.reconfigure();
    await resolver.reset();
    report('config: loaded');
    await audit.append({ event: 'config', outcome: 'allowed' }).catch(() => undefined);
  };
  const broken = (error: BrokerError): void => {
    configProblem = error;
    report(`config: kept the one in force: ${error.message}`);
    audit.append({ event: 'config', outcome: 'failed', code: error.code }).catch(() => undefined);
  };

  let listener: Listener | undefined;
  const broker: Broker = {
    paths,
    platform,
    clock,
    vault,
    cache,
    keyring,
    keychain,
    opening: createOpening({ keyring, keychain, audit, auditKeys }, keys.openIdentity),
    binding,
    resolver,
    audit,
    auditKeys,
    approvals: createApprovals(clock),
    grants,
    launches,
    running,
    presence: createPresence({
      platform,
      launches,
      codes: createCodes(clock),
      keyring,
      mode: loaded.config.settings.presence,
    }),
    programs,
    tools,
    notifier: createNotifier({
      clock,
      enabled: () => loaded.config.settings.notify,
      bus: sessionBus,
      show: createShow(clock),
      report,
    }),
    startedAt: clock.now(),
    get config() {
      return loaded.config;
    },
    get loaded() {
      return loaded;
    },
    get configProblem() {
      return configProblem;
    },
    connections: () => listener?.connections ?? 0,
    async reload() {
      watch.reload();
      if (configProblem !== undefined) throw configProblem;
    },
    lent: options.lent !== undefined,
    stop: (by) => void stop(by),
  };

  if (keyring.source === 'sealed' && keyring.hasIdentityFile) {
    await keyring.unlock(undefined, new AbortController().signal);
    await auditKeys.attach();
  }
  const watch = watchConfig({
    file: paths.config,
    clock,
    loaded,
    onChange: (next) => void take(next),
    onBroken: broken,
  });

  let stopping: Promise<void> | undefined;
  const stop = (by: Parameters<Broker['stop']>[0] = { pid: process.pid }): Promise<void> => {
    stopping ??= (async () => {
      watch.close();
      running.stop();
      await listener?.stop(stopGraceMs);
      // Another environment may hold the lock of own.age; its own patience is longer than ours.
      await Promise.race([auditKeys.keep(), after(clock, stopGraceMs)]);
      keyring.lock();
      cache.stop();
      await resolver.reset();
      keys.close();
      await audit.append({ event: 'stop', outcome: 'allowed', ...by }).catch(() => undefined);
      await audit.close();
      options.onStopped();
    })();
    return stopping;
  };

  // All that follows may call back at once, so it comes last.
  const ours = { outcome: 'allowed', pid: process.pid } as const;
  await Promise.all([
    audit.append({ event: 'start', ...ours }),
    // By the identity file: nobody asked for it.
    keyring.unlocked ? audit.append({ event: 'unlock', backend: 'sealed', ...ours }) : undefined,
  ]);
  auditKeys.keepSoon();
  listener = await startListener({
    paths,
    platform,
    clock,
    version,
    limits: loaded.config.settings.limits,
    namespaces,
    lent: options.lent,
    handlers: closeToServers(
      broker,
      openFirst(broker, {
        ...brokerHandlers(broker),
        ...auditHandlers(broker),
        ...backendHandlers(broker),
        ...keychainHandlers(broker),
        ...sealedHandlers(broker),
        ...secretHandlers(broker),
        ...toolHandlers(broker),
        ...moveHandlers(broker),
        ...revealHandlers(broker),
        ...launchHandlers(broker),
        ...launchLifeHandlers(broker),
        ...approvalHandlers(broker),
      }),
    ),
    onRefused: ({ pid, uid }) => {
      audit
        .append({ event: 'refused-peer', outcome: 'denied', code: 'ERR_DENIED', pid, uid })
        .catch(() => undefined);
    },
    onInternalError: ({ method, code }) => {
      report(`${method}: ${code}`);
    },
    onLost: () => {
      report('the socket is no longer ours: stopping');
      void stop();
    },
  });

  running.resume();
  // Nobody waits: a dialog may be open that a person has to answer first.
  broker.opening.open().catch((error: unknown) => {
    report(`keychain: ${toBrokerError(error).message}`);
  });
  return { reload: broker.reload, stop: () => stop() };
}
