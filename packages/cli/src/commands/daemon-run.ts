import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { BrokerError } from '@mcp-broker/daemon/protocol';

import { exitCodeOfSignal } from '../output/exit-code.ts';
import { daemonProgram } from './open-session.ts';
import { using, type Session } from './session.ts';

/**
 * The daemon in the foreground, for a service manager or a look at what it does: it has our stdio and
 * gets our signals, and its exit status is ours.
 */
export async function runDaemon(session: Session): Promise<number> {
  const running = await session.reach();
  if (running !== undefined) {
    const { pid } = (await using(running, (client) => client.call('broker.status', {}))).result;
    throw new BrokerError('ERR_USAGE', `a daemon already runs for this home, pid ${pid}`, {
      hint: 'mcp daemon stop',
    });
  }
  const { paths } = session;
  const child = spawn(
    process.execPath,
    [
      ...process.execArgv,
      ...(daemonProgram.execArgv ?? []),
      daemonProgram.main(),
      ...['--home', paths.home],
      ...(session.configGiven ? ['--config', paths.config] : []),
    ],
    { stdio: 'inherit' },
  );
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
