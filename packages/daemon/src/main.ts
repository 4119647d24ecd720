import { closeSync, existsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BrokerError, toBrokerError } from '@mcp-broker/providers/errors';

import { harden } from './harden.ts';
import type * as Hardened from './hardened.ts';
import { locatePaths, type Paths } from './paths.ts';
import { createPlatform, type Platform } from './platform/index.ts';
import { endOnBugs, report, reportInto } from './report.ts';
import { readLent, type Lent } from './service-manager.ts';

const { values: options } = parseArgs({
  options: {
    home: { type: 'string' },
    config: { type: 'string' },
    'ready-fd': { type: 'string' },
    log: { type: 'boolean', default: false },
  },
});

/**
 * The daemon's process. Hardening comes first: all that may hold a secret loads after it. Whoever
 * started it may lend a descriptor (`--ready-fd N`) and read there one line of JSON: `{"ready":true,"pid":N}`,
 * `{"ready":false,"running":true}` when another daemon serves this home, or the error. A service manager
 * may lend the socket, and is told as it wants to be.
 */
async function main(): Promise<void> {
  endOnBugs();
  const lent = readLent(process.env, process.pid);
  const platform = createPlatform();
  harden(platform);
  const paths = locatePaths(options);
  const hardened = await import('./hardened.ts');
  const tellManager = (message: string): void => {
    if (lent.notify !== undefined) platform.tellServiceManager(lent.notify, message);
  };
  try {
    await serve(hardened, paths, platform, lent.socket, tellManager);
  } catch (error) {
    const known = toBrokerError(error);
    tellManager(`STATUS=${known.code}: ${known.message.replaceAll(/\p{Cc}/gu, ' ')}`);
    if (lent.socket !== undefined)
      await hardened
        .turnAway(known, { paths, platform, clock: hardened.systemClock, lent: lent.socket })
        .catch(() => undefined);
    throw known;
  }
}

async function serve(
  { openFolders, openLog, requireLent, startDaemon, systemClock, takeHome }: typeof Hardened,
  paths: Paths,
  platform: Platform,
  lent: Lent['socket'],
  tellManager: (message: string) => void,
): Promise<void> {
  openFolders(paths);
  if (options.log) reportInto(openLog(paths.log));
  if (lent !== undefined) requireLent(paths.socket, lent, platform);
  const release = await takeHome(paths.lock, platform, {
    evict: lent !== undefined,
    clock: systemClock,
  });
  if (release === undefined) {
    if (lent !== undefined) throw stays(paths);
    tellStarter({ ready: false, running: true });
    report('another daemon serves this home');
    return;
  }
  const daemon = await startDaemon({
    paths,
    platform,
    clock: systemClock,
    credential: credentialFile(),
    lent,
    report,
    onStopped: () => {
      release();
      process.exit(0);
    },
  });
  const stop = (): void => {
    tellManager('STOPPING=1');
    void daemon.stop();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop);
  process.on('SIGHUP', () => {
    daemon.reload().catch(() => undefined);
  });
  report(`listening on ${paths.socket}`);
  tellStarter({ ready: true, pid: process.pid });
  tellManager('READY=1');
}

function stays({ home, lock }: Paths): BrokerError {
  return new BrokerError('ERR_DAEMON_UNREACHABLE', `another daemon serves ${home} and stays`, {
    hint: `end the process that ${lock} names`,
    retryable: true,
  });
}

/** An identity that systemd lends to the unit (`LoadCredential=mcp-broker-identity:…`). */
function credentialFile(): string | undefined {
  const folder = process.env['CREDENTIALS_DIRECTORY'];
  if (folder === undefined) return undefined;
  const file = join(folder, 'mcp-broker-identity');
  return existsSync(file) ? file : undefined;
}

function tellStarter(message: object): void {
  const fd = Number(options['ready-fd'] ?? Number.NaN);
  if (!Number.isSafeInteger(fd)) return;
  try {
    writeSync(fd, `${JSON.stringify(message)}\n`);
    closeSync(fd);
  } catch {
    // Whoever lent the descriptor has gone.
  }
}

try {
  await main();
} catch (error) {
  const known = toBrokerError(error);
  tellStarter(known.toShape());
  report(`${known.code}: ${known.message}`);
  process.exit(known.exitCode);
}
