import { closeSync, existsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { toBrokerError } from '@mcp-broker/providers/errors';
import { harden } from './harden.ts';
import { locatePaths } from './paths.ts';
import { createPlatform } from './platform/index.ts';
import { endOnBugs, report } from './report.ts';

const { values: options } = parseArgs({
  options: { home: { type: 'string' }, config: { type: 'string' }, 'ready-fd': { type: 'string' } },
});

/**
 * The daemon's process. Hardening comes first: all that may hold a secret loads after it. Whoever
 * started it may lend a descriptor (`--ready-fd N`) and read there one line of JSON: `{"ready":true,"pid":N}`,
 * `{"ready":false,"running":true}` when another daemon serves this home, or the error.
 */
async function main(): Promise<void> {
  endOnBugs();
  const platform = createPlatform();
  harden(platform);

  const paths = locatePaths(options);
  const { openFolders, startDaemon, systemClock, tryFileLock } = await import('./hardened.ts');
  openFolders(paths);
  const release = tryFileLock(paths.lock, platform);
  if (release === undefined) {
    tellStarter({ ready: false, running: true });
    report('another daemon serves this home');
    return;
  }
  const daemon = await startDaemon({
    paths,
    platform,
    clock: systemClock,
    credential: credentialFile(),
    report,
    onStopped: () => {
      release();
      process.exit(0);
    },
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void daemon.stop());
  process.on('SIGHUP', () => {
    daemon.reload().catch(() => undefined);
  });
  report(`listening on ${paths.socket}`);
  tellStarter({ ready: true, pid: process.pid });
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
