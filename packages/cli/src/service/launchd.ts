import { join } from 'node:path';

import { agentText, labelOf } from './launchd-text.ts';
import type { Call } from './manager.ts';
import type { Service } from './service.ts';
import type { Unit } from './unit.ts';
import { look, remove, write, type Wanted } from './written.ts';

/** An agent in `folder`. Untested on a Mac: written from launchd.plist(5) and launchctl(1). */
export function createLaunchdService(unit: Unit, folder: string, call: Call): Service {
  const label = labelOf(unit);
  const path = join(folder, `${label}.plist`);
  const file: Wanted = { path, text: () => agentText(unit), comment: ['<!-- ', ' -->'] };
  const domain = `gui/${process.getuid?.() ?? 0}`;
  const launchctl = (...args: readonly string[]): ReturnType<Call> => call('launchctl', args);

  return {
    name: label,
    logHint: 'mcp daemon logs',
    onDemand: false,
    toType: {
      start: [`launchctl bootstrap ${domain} ${path}`],
      restart: `launchctl kickstart -k ${domain}/${label}`,
      stop: `launchctl bootout ${domain}/${label}`,
    },

    async state() {
      const { found, text } = look(file);
      if (found === 'absent') {
        const nothing = { enabled: false, current: false, gone: [] } as const;
        return { ...nothing, written: found, manager: 'stopped' };
      }
      const printed = await launchctl('print', `${domain}/${label}`);
      const runs = printed.ok && /^\s*state = running$/mu.test(printed.stdout);
      return {
        written: found,
        enabled: true,
        current: text === file.text(),
        gone: [],
        manager: runs ? 'running' : 'stopped',
      };
    },

    write: () => write(file),

    async start(before) {
      // One that it has not loaded it cannot unload: that is no failure.
      await launchctl('bootout', `${domain}/${label}`);
      await before();
      return launchctl('bootstrap', domain, path);
    },

    async remove() {
      const { found } = look(file);
      const unloaded =
        found === 'ours' ? await launchctl('bootout', `${domain}/${label}`) : undefined;
      remove(file);
      return {
        removed: found === 'ours' ? [path] : [],
        left: found === 'other' ? [path] : [],
        untold: unloaded?.ok === false ? unloaded.reason : undefined,
      };
    },
  };
}
