import { BrokerError } from '@mcp-broker/providers/errors';

/** What a service manager lends to the daemon that it starts (sd_listen_fds(3), sd_notify(3)). */
export interface Lent {
  /** The descriptor of a socket that listens already. */
  readonly socket: number | undefined;
  /** Where it wants to hear how the daemon is. */
  readonly notify: string | undefined;
}

/** Of sd_listen_fds(3). */
const firstDescriptor = 3;

/**
 * Reads it from the environment, which is scrubbed next. What was meant for another process, as for one
 * that started us, is not ours. Throws `ERR_CONFIG` for more than one socket: which is the broker's?
 */
export function readLent(
  environment: Readonly<Record<string, string | undefined>>,
  pid: number,
): Lent {
  const notify = environment['NOTIFY_SOCKET'];
  return {
    socket: environment['LISTEN_PID'] === String(pid) ? socketOf(environment) : undefined,
    notify: notify !== undefined && /^[/@]./u.test(notify) ? notify : undefined,
  };
}

function socketOf(environment: Readonly<Record<string, string | undefined>>): number | undefined {
  const count = environment['LISTEN_FDS'];
  if (count === undefined || count === '0') return undefined;
  if (count === '1') return firstDescriptor;
  throw new BrokerError('ERR_CONFIG', `the service manager lends ${count} sockets, not one`, {
    hint: 'mcp daemon install writes units that fit',
  });
}
