import type { Config } from '../config/index.ts';
import { personalFolder } from '../paths.ts';
import { launchMark } from '../processes/tree.ts';
import { findSessionBus } from '../session-bus.ts';

/** What each tool gets of our own environment, which is small already. */
const fromOurs = ['USER', 'LOGNAME', 'LANG', 'LC_ALL', 'TZ', 'XDG_RUNTIME_DIR'] as const;
const withoutPath = ['/usr/local/bin', '/usr/bin', '/bin'];

/** PATH of a backend's tool: that of the config, and never of whoever started the daemon. */
export function toolPath({ settings }: Pick<Config, 'settings'>): string {
  return (settings.path ?? withoutPath).join(':');
}

/** All that a backend's tool finds in its environment: what everyone needs, what the config says. */
export function toolEnvironment(
  config: Pick<Config, 'settings'>,
  own: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const { proxy, sessionBus } = config.settings;
  const bus = findSessionBus(sessionBus);
  const environment: Record<string, string | undefined> = {
    HOME: personalFolder(),
    PATH: toolPath(config),
    ...Object.fromEntries(fromOurs.map((name) => [name, process.env[name]])),
    DBUS_SESSION_BUS_ADDRESS: bus,
    ...proxies(proxy),
    ...own,
    // What it leaves behind is no person either, when we are no longer its parent. No launch has this id.
    [launchMark]: 'tool',
  };
  return Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    ),
  );
}

/** In both spellings: some programs know one alone. */
export function proxies({
  http,
  https,
  noProxy,
}: Config['settings']['proxy']): Record<string, string> {
  const none = noProxy.length === 0 ? undefined : noProxy.join(',');
  const pairs = [
    ['http_proxy', http],
    ['https_proxy', https],
    ['no_proxy', none],
  ] as const;
  return Object.fromEntries(
    pairs.flatMap(([name, value]) =>
      value === undefined
        ? []
        : [
            [name, value],
            [name.toUpperCase(), value],
          ],
    ),
  );
}
