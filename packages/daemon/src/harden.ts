import { BrokerError } from '@mcp-broker/providers/errors';
import type { Platform } from './platform/platform.ts';

/** Of the environment that the daemon was started with, only this is left. */
const kept = new Set([
  'HOME',
  'PATH',
  'LANG',
  'LC_ALL',
  'USER',
  'LOGNAME',
  'TZ',
  'XDG_RUNTIME_DIR',
  'DBUS_SESSION_BUS_ADDRESS',
  'CREDENTIALS_DIRECTORY',
]);

/** Flags of Node that open the process to others or write its memory to a file. */
const dangerous =
  /^--(inspect|debug|heap|cpu-prof|prof|report-(on|uncaught|signal|compact|dir)|tls-keylog|env-file|trace|require|import|loader|experimental-loader|diagnostic-dir)|^-r$/u;

/**
 * What has to be true before anything else runs: no foreign flags, no core file, not dumpable, no
 * inherited environment, and files that only the user can read.
 */
export function harden(platform: Platform): void {
  const flag = [...process.execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/u)].find(
    (option) => dangerous.test(option),
  );
  if (flag !== undefined) {
    throw new BrokerError('ERR_USAGE', `the daemon does not run under ${flag}`, {
      hint: 'start it by the command: mcp daemon start',
    });
  }
  if (process.env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') {
    throw new BrokerError(
      'ERR_USAGE',
      'the daemon does not run with NODE_TLS_REJECT_UNAUTHORIZED=0',
      {
        hint: 'unset NODE_TLS_REJECT_UNAUTHORIZED',
      },
    );
  }
  process.umask(0o077);
  platform.harden();
  for (const name of Object.keys(process.env)) {
    if (!kept.has(name)) delete process.env[name];
  }
}
