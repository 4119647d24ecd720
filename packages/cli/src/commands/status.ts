import { exitCodes, type Status } from '@mcp-broker/daemon/protocol';

import { age, size } from '../output/duration.ts';
import type { Output, Style } from '../output/print.ts';
import { pairs, table } from '../output/table.ts';
import { warnOfGrants } from './approvals.ts';
import { lookAtConfig } from './config.ts';
import { isThere } from './home.ts';
import { keysText, lockedKeys } from './keys-text.ts';
import { serviceFindings, serviceText, type InstalledService } from '../service/findings.ts';
import { installedService } from '../service/find-service.ts';
import { using, type Session } from './session.ts';

/** Prints what the daemon holds; without a daemon says so, and that is exit 69. */
export async function showStatus(session: Session): Promise<number> {
  const installed = await installedService(session);
  const status = await readStatus(session, installed);
  if (status === undefined) return reportStopped(session, installed);
  const { output } = session;
  output.result(whole(status, session), { running: true, ...status });
  // A broken file is told above; of one that is in force the entries that it cannot use are not.
  if (status.config.state !== 'kept') await warnOfConfig(session);
  if (status.grantsProblem !== undefined) warnOfGrants(status.grantsProblem, session);
  const { keys } = status;
  if (keys.problem !== undefined) output.warn(lockedKeys(keys));
  for (const { name, kind, state } of status.backends) {
    if (state === 'locked' && kind === 'sealed-file')
      output.note(`backend ${name} is locked: mcp unlock`);
    if (state === 'missing') output.note(`backend ${name} has no file yet: mcp init`);
  }
  return 0;
}

async function warnOfConfig(session: Session): Promise<void> {
  for (const { message, hint } of (await lookAtConfig(session)).problems) {
    session.output.warn(hint === undefined ? message : `${message} (${hint})`);
  }
}

/** Of all that, the process alone. */
export async function showDaemonStatus(session: Session): Promise<number> {
  const installed = await installedService(session);
  const status = await readStatus(session, installed);
  for (const { message, hint } of installed ? serviceFindings(installed) : []) {
    session.output.warn(`${message} (${hint})`);
  }
  if (status === undefined) return reportStopped(session, installed);
  const { version, pid, started, home, connections, memory } = status;
  const lines = [...daemonPairs(status, session), ...servicePairs(installed)];
  session.output.result(pairs(lines, session.output.columns), {
    running: true,
    ...serviceJson(installed),
    version,
    pid,
    started,
    home,
    connections,
    memory,
  });
  return 0;
}

/** Undefined where none runs; a service manager that waits would start one for whoever connects. */
async function readStatus(
  { reach }: Session,
  installed: InstalledService | undefined,
): Promise<Status | undefined> {
  if (installed?.state.manager === 'waiting') return undefined;
  const client = await reach();
  if (client === undefined) return undefined;
  return using(client, async (reached) => (await reached.call('broker.status', {})).result);
}

function servicePairs(installed: InstalledService | undefined): Pairs {
  return installed === undefined ? [] : [['service', serviceText(installed)]];
}

function serviceJson(installed: InstalledService | undefined): object {
  if (installed === undefined) return {};
  const { service, state } = installed;
  return { service: { name: service.name, ...state } };
}

async function reportStopped(session: Session, installed?: InstalledService): Promise<number> {
  const { output, paths } = session;
  output.result(
    pairs(
      [['daemon', 'not running'], ['home', paths.home], ...servicePairs(installed)],
      output.columns,
    ),
    { running: false, ...serviceJson(installed), home: paths.home },
  );
  await warnOfConfig(session);
  output.note(
    isThere(paths.home)
      ? 'it starts by itself on first use, or with: mcp daemon start'
      : 'this home does not exist yet: mcp init',
  );
  return exitCodes.ERR_DAEMON_UNREACHABLE;
}

type Pairs = readonly (readonly [string, string | undefined])[];

function daemonPairs(status: Status, session: Session): Pairs {
  const { memory } = status;
  const locked = memory.locked === null ? 'not known how much' : size(memory.locked);
  return [
    ['daemon', `running, pid ${status.pid}, version ${status.version}`],
    ['since', `${status.started} (${age(status.started, session.now()) ?? '-'} ago)`],
    ['home', status.home],
    ['connections', String(status.connections)],
    [
      'memory',
      `${size(memory.reserved)} for secrets, ${locked} locked; ${size(memory.resident)} in all`,
    ],
  ];
}

function whole(status: Status, session: Session): string {
  const { config, cache, audit, backends: known, launches: running } = status;
  const { output } = session;
  const problem =
    config.problem === undefined ? '' : `: ${config.problem.message}; see: mcp config check`;
  const state = { loaded: 'loaded', absent: 'no file', kept: 'broken, the one before is in force' };
  const [daemon, since, home, ...details] = daemonPairs(status, session);
  const about = pairs(
    [
      ...[daemon, since, home].filter((pair) => pair !== undefined),
      ['config', output.typed(`${config.file} (${state[config.state]}${problem})`)],
      ['keys', keysText(status.keys)],
      ['grants', grants(status)],
      [
        'pending',
        status.pending === 0 ? '0' : output.typed(`${status.pending} (see: mcp approvals)`),
      ],
      ['launches', running.length === 0 ? 'none runs' : `${running.length} running`],
      [
        'cache',
        `${cache.entries} ${cache.entries === 1 ? 'value' : 'values'}, ${size(cache.bytes)}`,
      ],
      ['audit', `${audit.sequence} lines, ${audit.state}`],
      ...details,
    ],
    output.columns,
  );
  const backends = table(
    ['BACKEND', 'KIND', 'STATE'],
    known.map(({ name, kind, state: backendState }) => [name, kind, backendState]),
    output.columns,
  );
  return `${colourStates(about, output)}\n${colourStates(backends, output)}${launches(status, session)}`;
}

function launches({ launches: running }: Status, session: Session): string {
  if (running.length === 0) return '';
  const { output } = session;
  const rows = running.map(({ launch, server, variables, since, parent, pid, replaced }) => [
    launch,
    `${pid ?? '-'}${replaced === true ? ' (replaced)' : ''}`,
    age(since, session.now()) ?? '-',
    parent === undefined ? '-' : output.typed(`${parent.name} (${parent.pid})`),
    output.typed(server ?? '-'),
    output.typed(variables.join(' ')),
  ]);
  return `\n${table(['LAUNCH', 'PID', 'AGE', 'STARTED BY', 'SERVER', 'VARIABLES'], rows, output.columns)}`;
}

function grants({ grants: count, grantsProblem }: Status): string {
  return grantsProblem === undefined ? String(count) : `${count}, and the file grants nothing`;
}

const stateStyles: Readonly<Record<string, Style>> = {
  ready: 'green',
  locked: 'yellow',
  missing: 'yellow',
  unavailable: 'red',
  failing: 'red',
};

/** The state is the last word of its line; after the padding, so that columns stay in line. */
function colourStates(text: string, output: Output): string {
  return text.replace(/\b(ready|locked|missing|unavailable|failing)$/gm, (state) =>
    output.style(stateStyles[state] ?? 'bold', state),
  );
}
