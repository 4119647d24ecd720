import { BrokerError } from '@mcp-broker/providers/errors';
import { daemonVariables } from './daemon-environment.ts';
import type { Platform } from './platform/platform.ts';

/** Flags of Node that open the process to others or write its memory to a file. */
const dangerous =
  /^--(inspect|debug|heap|cpu-prof|prof|report-(on|uncaught|signal|compact|dir)|tls-keylog|env-file|trace|require|import|loader|experimental-(loader|config-file|default-config-file)|diagnostic-dir)|^-r$/u;

const hint = 'start it by the command: mcp daemon start';

/**
 * What has to be true before anything else runs: no foreign flags, no core file, not dumpable, no
 * inherited environment, and files that only the user can read.
 */
export function harden(platform: Platform): void {
  refuseFlags(process.execArgv, process.env['NODE_OPTIONS']);
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
    if (!daemonVariables.has(name)) delete process.env[name];
  }
}

/** Throws `ERR_USAGE` for flags that open the process, and when the one is missing that closes it to SIGUSR1. */
export function refuseFlags(args: readonly string[], options = ''): void {
  const flag = [...args, ...options.split(/\s+/u)].find((each) => dangerous.test(spelled(each)));
  if (flag !== undefined) {
    throw new BrokerError('ERR_USAGE', `the daemon does not run under ${flag}`, { hint });
  }
  const last = args.map(spelled).findLast((each) => /^--(no-)?disable-sigusr1$/u.test(each));
  if (last !== '--disable-sigusr1') {
    throw new BrokerError('ERR_USAGE', 'the daemon does not run without --disable-sigusr1', {
      hint,
    });
  }
}

/** Node takes `_` for `-` in the name of an option. */
function spelled(option: string): string {
  return option.replaceAll('_', '-');
}
