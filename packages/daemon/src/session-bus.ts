import { lstatSync } from 'node:fs';

/**
 * The session bus of this user: by our environment, else by `settings.session_bus`, else where systemd
 * puts it; undefined when there is none. Only sockets of this machine: other kinds of address start
 * programs or go out to the network.
 */
export function findSessionBus(configured: string | undefined): string | undefined {
  const named = process.env['DBUS_SESSION_BUS_ADDRESS'] ?? configured;
  if (named !== undefined) return isSocket(named) ? named : undefined;
  const uid = process.geteuid?.();
  const path = `/run/user/${uid}/bus`;
  try {
    const stats = lstatSync(path);
    return stats.isSocket() && stats.uid === uid ? `unix:path=${path}` : undefined;
  } catch {
    return undefined;
  }
}

function isSocket(address: string): boolean {
  return /^unix:(path|abstract)=[^;]+$/u.test(address);
}
