import { createHash } from 'node:crypto';
import { join } from 'node:path';

import {
  daemonArguments,
  daemonEnvironment,
  defaultHome,
  expandTilde,
  type DaemonProgram,
  type Paths,
} from '@mcp-broker/daemon/client';
import { BrokerError } from '@mcp-broker/daemon/protocol';

/** The same as when a use of `mcp` starts it. */
export const daemonPath: string = daemonEnvironment('service')['PATH'] ?? '';

/** What a service manager has to know to run the daemon of one home. */
export interface Unit {
  /** `mcp-broker`; with a home or a config of its own, and a name that follows from it. */
  readonly name: string;
  readonly paths: Paths;
  /** Program and arguments. Throws `ERR_USAGE` for a path that no file of a service manager can hold. */
  command(): readonly string[];
}

/** Ends a line, goes on with the next one, or is what became of bytes that are no text. */
const unfit = /[\p{Cc}\p{Zl}\p{Zp}\ufffd]|\\(?:\/|$)/u;

export function unitOf(paths: Paths, program: DaemonProgram): Unit {
  return {
    name: nameOf(paths),
    paths,
    command() {
      const command = [process.execPath, ...daemonArguments(paths, program, { log: true })];
      const strange = [...command, paths.socket].find((each) => unfit.test(each));
      if (strange === undefined) return command;
      const message = `a service manager cannot be told the path ${JSON.stringify(strange)}`;
      throw new BrokerError('ERR_USAGE', message, {
        hint: 'choose a plainer path for the home, with --home or MCP_HOME',
      });
    },
  };
}

function nameOf({ home, state }: Paths): string {
  if (state === home && home === defaultHome()) return 'mcp-broker';
  return `mcp-broker-${createHash('sha256').update(state).digest('hex').slice(0, 12)}`;
}

/** `$XDG_CONFIG_HOME/systemd/user`, where the user manager of systemd looks first. */
export function systemdFolder(environment: Readonly<Record<string, string | undefined>>): string {
  const configured = environment['XDG_CONFIG_HOME'] ?? '';
  const base = configured.startsWith('/') ? configured : expandTilde('~/.config');
  return join(base, 'systemd', 'user');
}

export function launchAgentsFolder(): string {
  return expandTilde('~/Library/LaunchAgents');
}
