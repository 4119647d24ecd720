import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { daemonArguments, daemonEnvironment } from '@mcp-broker/daemon/client';
import { BrokerError } from '@mcp-broker/daemon/protocol';

import { daemonProgram } from '../exec/daemon-program.ts';
import { exitCodeOfSignal } from '../output/exit-code.ts';
import { installedService } from '../service/find-service.ts';
import { using, type Session } from './session.ts';

/**
 * The daemon in the foreground, for a service manager or a look at what it does: it has our stdio and
 * gets our signals, and its exit status is ours.
 */
export async function runDaemon(session: Session): Promise<number> {
  const installed = await installedService(session);
  if (installed?.state.manager === 'waiting') {
    const { name, toType } = installed.service;
    throw new BrokerError('ERR_USAGE', `${name} starts the daemon of this home`, {
      hint: toType.stop,
    });
  }
  const running = await session.reach();
  if (running !== undefined) {
    const { pid } = (await using(running, (client) => client.call('broker.status', {}))).result;
    throw new BrokerError('ERR_USAGE', `a daemon already runs for this home, pid ${pid}`, {
      hint: 'mcp daemon stop',
    });
  }
  const child = spawn(process.execPath, daemonArguments(session.paths, daemonProgram), {
    env: daemonEnvironment('service'),
    stdio: 'inherit',
  });
  const pass = (signal: NodeJS.Signals): void => {
    child.kill(signal);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, pass);
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    return signal === null ? (code ?? 0) : exitCodeOfSignal(signal);
  } finally {
    for (const signal of signals) process.off(signal, pass);
  }
}
