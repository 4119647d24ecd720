import type { TailInput } from '../daemon-logs.ts';
import type { CommandSpec, Given, GroupSpec } from '../spec.ts';

const start: CommandSpec = {
  name: 'start',
  summary: 'start the daemon in the background',
  details: 'It also starts by itself on first use. One that runs is left alone.',
  example: 'mcp daemon start',
  async run(_given, session) {
    const { startDaemon } = await import('../daemon.ts');
    return startDaemon(session);
  },
};

const stop: CommandSpec = {
  name: 'stop',
  summary: 'stop the daemon, and wait until it is gone',
  example: 'mcp daemon stop',
  async run(_given, session) {
    const { stopDaemon } = await import('../daemon.ts');
    return stopDaemon(session);
  },
};

const restart: CommandSpec = {
  name: 'restart',
  summary: 'stop the daemon and start a new one',
  example: 'mcp daemon restart',
  async run(_given, session) {
    const { restartDaemon } = await import('../daemon.ts');
    return restartDaemon(session);
  },
};

const status: CommandSpec = {
  name: 'status',
  summary: 'show whether the daemon runs',
  details: 'Exit status 69 when it does not.',
  example: 'mcp daemon status || mcp daemon start',
  async run(_given, session) {
    const { showDaemonStatus } = await import('../status.ts');
    return showDaemonStatus(session);
  },
};

const run: CommandSpec = {
  name: 'run',
  summary: 'run the daemon in the foreground',
  example: 'mcp daemon run',
  async run(_given, session) {
    const { runDaemon } = await import('../daemon-run.ts');
    return runDaemon(session);
  },
};

const logs: CommandSpec = {
  name: 'logs',
  summary: "show the daemon's own log",
  options: [
    ['-n, --lines <N>', 'how many lines (default 50)'],
    ['-f, --follow', 'go on with what is written from now on'],
  ],
  example: 'mcp daemon logs -n 20',
  async run(given, session) {
    const { showLogs } = await import('../daemon-logs.ts');
    return showLogs(tailInput(given, 50), session);
  },
};

const install: CommandSpec = {
  name: 'install',
  summary: 'have systemd or launchd of your user look after the daemon',
  details:
    'Linux: a socket that starts the daemon with its first use, restarts it when it dies, and keeps it ' +
    'from what it does not need. macOS (untested): an agent that starts it when you log in. Nothing ' +
    'changes for clients, and nothing when it is there already. See docs/daemon.md.',
  example: 'mcp daemon install',
  async run(_given, session) {
    const { installDaemon } = await import('../daemon-install.ts');
    return installDaemon(session);
  },
};

const uninstall: CommandSpec = {
  name: 'uninstall',
  summary: 'take away what install made',
  details: 'The daemon then starts on first use, as before. What install did not write is left.',
  example: 'mcp daemon uninstall',
  async run(_given, session) {
    const { uninstallDaemon } = await import('../daemon-install.ts');
    return uninstallDaemon(session);
  },
};

export const daemon: GroupSpec = {
  name: 'daemon',
  summary: 'the process that holds the secrets',
  commands: [start, stop, restart, status, run, logs, install, uninstall],
};

function tailInput(given: Given, lines: number): TailInput {
  return { lines: given.whole('lines', 0, 100_000) ?? lines, follow: given.flag('follow') };
}
