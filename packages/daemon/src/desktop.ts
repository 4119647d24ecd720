import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from './clock.ts';

/** Text of a notification; the body is markup, so whoever writes it escapes what is not its own. */
export interface Notification {
  readonly summary: string;
  readonly body: string;
}

/** Shows a notification. Rejects when there is no way to, or it takes too long. */
export type Show = (bus: string, notification: Notification) => Promise<void>;

const limitMs = 5000;
const name = 'MCP Broker';

/** Where systems keep such tools; what a PATH says does not count. */
const folders = ['/usr/bin', '/usr/local/bin', '/run/current-system/sw/bin'];

interface Tool {
  readonly program: string;
  argv(bus: string, notification: Notification): readonly string[];
}

/** The first one that the machine has is run, without a shell. */
const tools: readonly Tool[] = [
  {
    program: 'gdbus',
    argv: (bus, { summary, body }) => [
      'call',
      `--address=${bus}`,
      '--timeout=4',
      '--dest=org.freedesktop.Notifications',
      '--object-path=/org/freedesktop/Notifications',
      '--method=org.freedesktop.Notifications.Notify',
      quoted(name),
      'uint32 0',
      quoted(''),
      quoted(summary),
      quoted(body),
      // No actions: a click decides nothing.
      '@as []',
      '@a{sv} {}',
      'int32 -1',
    ],
  },
  {
    program: 'notify-send',
    // It reads escapes in the body.
    argv: (_bus, { summary, body }) => [
      `--app-name=${name}`,
      '--',
      summary,
      body.replaceAll('\\', '\\\\'),
    ],
  },
];

/** By the tools of the desktop. */
export function createShow(clock: Clock, only?: Tool['program']): Show {
  return (bus, notification) =>
    new Promise((resolve, reject) => {
      const found = findTool(only);
      if (found === undefined) {
        reject(new Error('neither gdbus nor notify-send is installed'));
        return;
      }
      const child = spawn(found.path, found.tool.argv(bus, notification), {
        cwd: '/',
        env: { DBUS_SESSION_BUS_ADDRESS: bus, LC_ALL: 'C.UTF-8' },
        stdio: 'ignore',
      });
      const cancel = clock.after(limitMs, () => child.kill('SIGKILL'));
      child.on('error', reject);
      child.on('close', (code) => {
        cancel();
        if (code === 0) resolve();
        else reject(new Error(`${found.tool.program} failed`));
      });
    });
}

function findTool(only: string | undefined): { tool: Tool; path: string } | undefined {
  for (const tool of tools) {
    if (only !== undefined && tool.program !== only) continue;
    for (const folder of folders) {
      const path = join(folder, tool.program);
      try {
        accessSync(path, constants.X_OK);
        return { tool, path };
      } catch {
        // Not there; perhaps in the next one.
      }
    }
  }
  return undefined;
}

/** A string as GVariant writes it. */
function quoted(text: string): string {
  return `'${text.replace(/[\\']/gu, '\\$&').replaceAll('\n', '\\n')}'`;
}
