import { BrokerError } from '@mcp-broker/daemon/protocol';

import { daemonProgram } from '../exec/daemon-program.ts';
import type { Session } from '../commands/session.ts';
import type { InstalledService } from './findings.ts';
import { createLaunchdService } from './launchd.ts';
import { callManager, type Call } from './manager.ts';
import type { Service } from './service.ts';
import { createSystemdService } from './systemd.ts';
import { launchAgentsFolder, systemdFolder, unitOf } from './unit.ts';

/** What a service manager has to do with the daemon of this home; undefined where nothing is installed. */
export async function installedService(
  session: Pick<Session, 'paths' | 'environment'>,
): Promise<InstalledService | undefined> {
  if (process.platform !== 'linux' && process.platform !== 'darwin') return undefined;
  const service = findService(session);
  const state = await service.state();
  return state.written === 'absent' ? undefined : { service, state };
}

/** The daemon of this home as a service of this platform. Throws `ERR_CONFIG` where there is no such thing. */
export function findService(
  { paths, environment }: Pick<Session, 'paths' | 'environment'>,
  platform: NodeJS.Platform = process.platform,
  call: Call = callManager,
): Service {
  if (platform === 'linux') {
    return createSystemdService(unitOf(paths, daemonProgram), systemdFolder(environment), call);
  }
  if (platform === 'darwin') {
    return createLaunchdService(unitOf(paths, daemonProgram), launchAgentsFolder(), call);
  }
  throw new BrokerError('ERR_CONFIG', `the daemon is no service on ${platform}`, {
    hint: 'use Linux or macOS; on Windows, WSL 2',
  });
}
