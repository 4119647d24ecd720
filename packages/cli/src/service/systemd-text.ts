import { asideNames } from '../exec/aside.ts';
import { daemonPath, type Unit } from './unit.ts';

/** Exit codes that say what a person has to mend, and 203: the program is not there. */
const notAgain = '64 69 77 78 203';

/**
 * No option that needs a namespace of its own, such as ProtectHome= or PrivateTmp=: a user manager adds a
 * user namespace to them, and the daemon turns away who is in other namespaces than itself. V8 makes
 * machine code while it runs, so MemoryDenyWriteExecute= cannot be. docs/daemon.md goes through them.
 */
const hardening = `NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictNamespaces=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service @pkey
SystemCallErrorNumber=EPERM
LimitCORE=0
LimitMEMLOCK=infinity
UMask=0077`;

export function socketText({ name, paths }: Unit): string {
  return `# Written by mcp daemon install, and removed by mcp daemon uninstall.
# What you want otherwise goes into a drop-in: systemctl --user edit ${name}.socket
[Unit]
Description=MCP Broker (${specifiers(paths.state)}), socket
ConditionPathIsDirectory=${specifiers(paths.state)}

[Socket]
ListenStream=${specifiers(paths.socket)}
SocketMode=0600
DirectoryMode=0700
Backlog=4096

[Install]
WantedBy=sockets.target
`;
}

export function serviceText(unit: Unit): string {
  const { name, paths } = unit;
  const command = unit.command();
  const [program = '', ...args] = command;
  return `# Written by mcp daemon install, and removed by mcp daemon uninstall.
# What you want otherwise goes into a drop-in: systemctl --user edit ${name}.service
[Unit]
Description=MCP Broker (${specifiers(paths.state)})
Requires=${name}.socket
After=${name}.socket
StartLimitIntervalSec=10
StartLimitBurst=20

[Service]
Type=notify
ExecStart=${[`:${program}`, ...args].map(word).join(' ')}
ExecReload=/bin/kill -HUP $MAINPID
WorkingDirectory=/
Environment=PATH=${daemonPath}
UnsetEnvironment=${asideNames.join(' ')}
Restart=on-failure
RestartSec=1
RestartPreventExitStatus=${notAgain}
TimeoutStopSec=15
KillMode=mixed

# What the daemon and the tools of its backends are kept from.
${hardening}

[X-McpBroker]
Command=${JSON.stringify(command)}
`;
}

/** systemd.unit(5): all that begins with `%` is replaced. */
function specifiers(text: string): string {
  return text.replaceAll('%', '%%');
}

/** One word of a command line, systemd.syntax(7); `:` before the first keeps `$` what it is. */
function word(text: string): string {
  return `"${specifiers(text)
    .replaceAll('\\', '\\\\')
    .replaceAll('"', String.raw`\"`)}"`;
}

/** The command that a service file names, whoever wrote it; undefined when it is none of ours. */
export function commandIn(text: string): readonly string[] | undefined {
  const line = /^Command=(\[.*\])$/mu.exec(text)?.[1];
  if (line === undefined) return undefined;
  try {
    const command: unknown = JSON.parse(line);
    return Array.isArray(command) ? command.map(String) : undefined;
  } catch {
    return undefined;
  }
}
