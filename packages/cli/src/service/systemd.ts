import { lstatSync, readlinkSync, realpathSync, rmdirSync, unlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import type { Call, Called } from './manager.ts';
import type { Removed, Service, ServiceState } from './service.ts';
import { commandIn, serviceText, socketText } from './systemd-text.ts';
import type { Unit } from './unit.ts';
import { look, remove, requireOurs, write, type Wanted } from './written.ts';

const comment = ['# ', ''] as const;

/** A service and the socket that starts it, in `folder`, where the user's own units lie. */
export function createSystemdService(unit: Unit, folder: string, call: Call): Service {
  const service = `${unit.name}.service`;
  const socket = `${unit.name}.socket`;
  const serviceFile: Wanted = {
    path: join(folder, service),
    text: () => serviceText(unit),
    comment,
  };
  const socketFile: Wanted = { path: join(folder, socket), text: () => socketText(unit), comment };
  /** What `systemctl enable` makes. */
  const link = join(folder, 'sockets.target.wants', socket);
  // The service first: the folders are made for it, and taken away with it.
  const files: readonly Wanted[] = [serviceFile, socketFile];

  const systemctl = (...args: readonly string[]): Promise<Called> =>
    call('systemctl', ['--user', '--no-ask-password', '--quiet', ...args]);
  const show = async (path: string): Promise<Shown> => {
    const shown = await systemctl('show', '-p', 'FragmentPath,ActiveState', basename(path));
    return { ...shown, properties: propertiesIn(shown.stdout) };
  };

  /** Undefined when no manager answers, or when it has another unit of that name. */
  async function isActive(path: string): Promise<boolean | undefined> {
    const { ok, properties } = await show(path);
    if (!ok || !isSameFile(properties['FragmentPath'], path)) return undefined;
    return /^(?:active|activating|reloading|deactivating)$/u.test(properties['ActiveState'] ?? '');
  }

  /**
   * Whether a manager answers and has the units from our folder: with another HOME it is another home's,
   * and none of our business.
   */
  async function answers(): Promise<Called> {
    for (const { path } of files) {
      const shown = await show(path);
      if (!shown.ok) return shown;
      if (!isSameFile(shown.properties['FragmentPath'], path)) {
        return { ok: false, stdout: '', reason: `the one that answers does not read ${folder}` };
      }
    }
    return { ok: true, stdout: '', reason: '' };
  }

  async function manager(): Promise<ServiceState['manager']> {
    const [runs, listens] = await Promise.all(files.map(({ path }) => isActive(path)));
    if (runs === undefined || listens === undefined) return 'unknown';
    if (runs) return 'running';
    if (!listens) return 'stopped';
    const { lock, socket: path } = unit.paths;
    const { daemonPid } = await import('@mcp-broker/daemon/inspect');
    return isThere(path) && daemonPid(lock) === undefined ? 'waiting' : 'astray';
  }

  return {
    name: socket,
    logHint: `journalctl --user -u ${service}`,
    onDemand: true,
    toType: {
      start: ['systemctl --user daemon-reload', `systemctl --user enable --now ${socket}`],
      restart: `systemctl --user restart ${socket}`,
      stop: `systemctl --user stop ${socket}`,
    },

    async state() {
      const looked = files.map((wanted) => ({ wanted, ...look(wanted) }));
      const found = looked.map((each) => each.found);
      if (found.every((each) => each === 'absent')) {
        const nothing = { enabled: false, current: false, gone: [] } as const;
        return { ...nothing, written: 'absent', manager: 'stopped' };
      }
      const [program, ...args] = commandIn(looked[0]?.text ?? '') ?? [];
      const main = args.find((each) => each.startsWith('/'));
      return {
        written: found.includes('other') ? 'other' : 'ours',
        enabled: isThere(link),
        current: looked.every(({ wanted, text }) => wanted.text() === text),
        gone: [program, main].filter((path) => path !== undefined && !isThere(path)) as string[],
        manager: await manager(),
      };
    },

    write() {
      // Both or neither.
      for (const file of files) requireOurs(file);
      return files.map(write).includes(true);
    },

    async start(before) {
      const reloaded = await systemctl('daemon-reload');
      if (!reloaded.ok) return reloaded;
      const known = await answers();
      if (!known.ok) return known;
      const stopped = await systemctl('stop', socket, service);
      if (!stopped.ok) return stopped;
      await before();
      return systemctl('enable', '--now', socket);
    },

    async remove() {
      let untold: Removed['untold'];
      if (look(socketFile).found === 'ours') {
        const known = await answers();
        if (known.ok) {
          await systemctl('disable', '--now', socket);
          await systemctl('stop', service);
        } else {
          untold = known.reason;
        }
        dropLink(link, socketFile.path);
      }
      const found = [socketFile, serviceFile].map((file) => ({ ...file, found: remove(file) }));
      const pathsOf = (kind: string): string[] =>
        found.filter((each) => each.found === kind).map(({ path }) => path);
      const removed = pathsOf('ours');
      if (removed.length > 0 && untold === undefined) {
        await systemctl('reset-failed', socket, service);
        await systemctl('daemon-reload');
      }
      const dropIns = files.map(({ path }) => `${path}.d`).filter(isThere);
      return { removed, left: [...pathsOf('other'), ...dropIns], untold };
    },
  };
}

interface Shown extends Called {
  readonly properties: Readonly<Record<string, string>>;
}

function propertiesIn(text: string): Record<string, string> {
  const pairs = text.split('\n').map((line) => {
    const equals = line.indexOf('=');
    return [line.slice(0, equals), line.slice(equals + 1)] as const;
  });
  return Object.fromEntries(pairs);
}

/** What `systemctl enable` made and no manager took away. */
function dropLink(link: string, to: string): void {
  try {
    if (readlinkSync(link) !== to) return;
    unlinkSync(link);
    rmdirSync(dirname(link));
  } catch {
    // There is none, or it has others beside it.
  }
}

/** Also when a folder above is a link, which one of the two has followed. */
function isSameFile(found: string | undefined, path: string): boolean {
  try {
    return found !== undefined && realpathSync(found) === realpathSync(path);
  } catch {
    return false;
  }
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
