import { homedir } from 'node:os';

import {
  clientPlaces,
  readClientFile,
  type ClientPlace,
  type ClientServer,
} from '@mcp-broker/daemon/client-files';
import { readConfig, type LoadedConfig } from '@mcp-broker/daemon/config';
import type { Paths } from '@mcp-broker/daemon/client';
import { checkKeychain, findOrphans, lookAtLog, type Orphan } from '@mcp-broker/daemon/inspect';
import {
  toBrokerError,
  type AuditVerdict,
  type BrokerError,
  type ErrorShape,
} from '@mcp-broker/daemon/protocol';

import { requireConfig } from '../../exec/given-config.ts';
import type { InstalledService } from '../../service/findings.ts';
import { installedService } from '../../service/find-service.ts';
import type { Session } from '../session.ts';
import { askDaemon, isRunning, type DaemonFacts } from './daemon-facts.ts';
import { lookAtFiles, type FileFact } from './files.ts';

/** All that the checks know. It is gathered first, so that none of them asks the machine again for the same. */
export interface Facts {
  readonly paths: Paths;
  readonly environment: Session['environment'];
  /** The person's folder. */
  readonly folder: string;
  /** PATH of what a desktop starts, at the least. */
  readonly desktop: readonly string[];
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The version of the Node that we run in. */
  readonly node: string;
  /** Of the home and below; empty when there is none. */
  readonly files: readonly FileFact[];
  /** Undefined: the file is broken. */
  readonly config: LoadedConfig | undefined;
  readonly configProblems: readonly ErrorShape[];
  readonly daemon: DaemonFacts;
  /** Undefined: `mcp daemon install` has not been typed. */
  readonly service: InstalledService | undefined;
  /** Without a daemon, and where secrets lie there: what is the matter with the keychain. */
  readonly keychainProblem: ErrorShape | undefined;
  readonly clients: readonly ClientFact[];
  readonly audit: AuditFact;
  readonly orphans: readonly Orphan[];
}

export interface ClientFact {
  readonly place: ClientPlace;
  /** Undefined: there is no file, or it cannot be read. */
  readonly servers: readonly ClientServer[] | undefined;
  readonly problem: BrokerError | undefined;
}

export interface AuditFact {
  /** Of the newest lines, in their order, as ISO 8601, UTC. */
  readonly times: readonly string[];
  readonly verdict: AuditVerdict | undefined;
  readonly problem: BrokerError | undefined;
}

/** Nothing of it is changed and no daemon is started; what cannot be looked at is a fact as well. */
export async function gatherFacts(session: Session): Promise<Facts> {
  const { paths, environment } = session;
  const folder = environment['HOME'] || homedir();
  const { config, configProblems } = configOf(session);
  const service = await installedService(session);
  const daemon = await askDaemon(session, service);
  return {
    paths,
    environment,
    folder,
    desktop: ['/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin'],
    now: session.now(),
    node: process.versions.node,
    files: lookAtFiles(paths.home),
    config,
    configProblems,
    daemon,
    service,
    keychainProblem: isRunning(daemon) ? undefined : await keychainProblemOf(paths.home, config),
    clients: clientsOf(folder, environment),
    audit: await auditOf(paths, daemon),
    orphans: findOrphans(paths.launches),
  };
}

function configOf({ paths, configGiven }: Session): Pick<Facts, 'config' | 'configProblems'> {
  try {
    if (configGiven) requireConfig(paths.config);
    const config = readConfig(paths.config);
    return { config, configProblems: config.unusable };
  } catch (error) {
    const problem = toBrokerError(error).toShape();
    return { config: undefined, configProblems: problem.problems ?? [problem] };
  }
}

/** What lies where clients look for servers. */
export function clientsOf(
  home: string,
  environment: Session['environment'],
): readonly ClientFact[] {
  const project = process.cwd();
  const places = clientPlaces({ home, platform: process.platform, environment, project });
  return places.map((place) => {
    try {
      return { place, servers: readClientFile(place), problem: undefined };
    } catch (error) {
      return { place, servers: undefined, problem: toBrokerError(error) };
    }
  });
}

/** Only where secrets lie in it: it may ask its person to unlock it. */
async function keychainProblemOf(
  home: string,
  loaded: LoadedConfig | undefined,
): Promise<ErrorShape | undefined> {
  if (loaded === undefined) return undefined;
  const { settings, variables, backends } = loaded.config;
  const used = [settings.defaultBackend, ...Object.values(variables).map(({ backend }) => backend)];
  const isUsed = used.some((name) => name !== undefined && backends[name]?.kind === 'keychain');
  return isUsed ? (await checkKeychain(home, settings.sessionBus))?.toShape() : undefined;
}

/** By the daemon where one runs: it has the keys, and knows what it is writing. */
async function auditOf(paths: Paths, daemon: DaemonFacts): Promise<AuditFact> {
  try {
    const log = await lookAtLog(paths.audit);
    return {
      times: log?.times ?? [],
      verdict: isRunning(daemon) ? daemon.verdict : await log?.verify(),
      problem: daemon.auditProblem,
    };
  } catch (error) {
    return { times: [], verdict: undefined, problem: toBrokerError(error) };
  }
}
