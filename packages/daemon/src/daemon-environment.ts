import { personalFolder } from './paths.ts';

/** What the daemon takes from whoever happens to start it; the rest stands in config.yaml. */
const fromAnyone: readonly string[] = [
  'LANG',
  'LC_ALL',
  'USER',
  'LOGNAME',
  'TZ',
  'XDG_RUNTIME_DIR',
  'DBUS_SESSION_BUS_ADDRESS',
];
/** What a service manager lends to the unit that it starts. */
const fromService: readonly string[] = ['CREDENTIALS_DIRECTORY'];
const path = '/usr/local/bin:/usr/bin:/bin';

/** All that a daemon may find in its environment, however it was started. */
export const daemonVariables: ReadonlySet<string> = new Set([
  'HOME',
  'PATH',
  ...fromAnyone,
  ...fromService,
]);

/** The environment to start the daemon with: as a service, or for whoever uses it first. */
export function daemonEnvironment(startedBy: 'service' | 'anyone'): Record<string, string> {
  const environment: Record<string, string> = {
    HOME: personalFolder(),
    PATH: path,
  };
  for (const name of startedBy === 'service' ? [...fromAnyone, ...fromService] : fromAnyone) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  return environment;
}
