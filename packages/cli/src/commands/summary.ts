import type { AuditRecord, Filter } from '@mcp-broker/daemon/audit';
import type { Config } from '@mcp-broker/daemon/config';
import { BrokerError } from '@mcp-broker/daemon/protocol';

import { installedService } from '../service/find-service.ts';
import { isThere } from './home.ts';
import { using, type Session } from './session.ts';

/** What is found, most urgent first: what `mcp --json` calls `state`. */
export const summaryStates = [
  'not-set-up',
  'config-broken',
  'unclear',
  'locked',
  'approvals-pending',
  'nothing-stored',
  'not-launched',
  'ready',
] as const;

type Step = readonly [state: (typeof summaryStates)[number], command: string, why: string];

const most = 3;

const notSetUp: Step = ['not-set-up', 'mcp init', 'set up a home, once'];
const broken: Step = ['config-broken', 'mcp config check', 'see what is wrong in config.yaml'];
const unclear: Step = ['unclear', 'mcp doctor', 'see what is wrong with this home'];
const locked: Step = ['locked', 'mcp unlock', 'open this home, which is locked'];
const nothing: Step = [
  'nothing-stored',
  'mcp secret set API_TOKEN',
  'keep a token; it is asked for',
];
const launch: Step = [
  'ready',
  "mcp exec --env API_TOKEN='$<API_TOKEN>' -- COMMAND",
  'start a server with it',
];

/** What `mcp` alone says, in five lines at most: what to do next in a home as it is now. */
export async function showSummary(session: Session): Promise<number> {
  const { output } = session;
  const steps = (await nextSteps(session)).slice(0, most);
  const widest = Math.max(...steps.map(([, command]) => command.length));
  const lines = [
    'MCP Broker starts servers with secrets that no file holds. Next:',
    ...steps.map(([, command, why]) => `  ${output.typed(command.padEnd(widest))}     ${why}`),
    output.typed('See mcp --help for all commands, and mcp status for how things are.'),
  ];
  const [first] = steps;
  output.result(`${lines.join('\n')}\n`, {
    state: first?.[0],
    next: steps.map(([, command]) => output.typed(command)),
  });
  return 0;
}

/** It looks, and changes nothing: no daemon is started for it. */
async function nextSteps(session: Session): Promise<readonly Step[]> {
  const { paths } = session;
  // Also of a folder that an earlier tool left: `init` makes a home of it.
  if (!isThere(paths.secrets) && !isThere(paths.keychain)) return [notSetUp, nothing, launch];
  try {
    const { readConfig } = await import('@mcp-broker/daemon/config');
    const { config } = readConfig(paths.config);
    const found = (await ofDaemon(session, config)) ?? (await ofFiles(session));
    return [...found, ...(await unlaunched(session, config)), launch];
  } catch (error) {
    const isConfig = error instanceof BrokerError && error.code === 'ERR_CONFIG';
    return [isConfig ? broken : unclear];
  }
}

/** Undefined when it does not run. */
async function ofDaemon(session: Session, config: Config): Promise<readonly Step[] | undefined> {
  // A service manager that listens would start it.
  if ((await installedService(session))?.state.manager === 'waiting') return undefined;
  const reached = await session.reach();
  if (reached === undefined) return undefined;
  return using(reached, async (client) => {
    const { backends, keys, pending } = (await client.call('broker.status', {})).result;
    const waits = `look at what waits for you: ${pending} ${pending === 1 ? 'launch' : 'launches'}`;
    // Another store than one of this machine is not asked for this.
    const isOwn = backends.some(
      ({ name, state }) =>
        name === config.settings.defaultBackend && ownStores.includes(name) && state === 'ready',
    );
    const isEmpty =
      isOwn &&
      Object.keys(config.variables).length === 0 &&
      (await client.call('secret.list', {})).result.secrets.length === 0;
    const isLocked = [keys, ...backends].some(({ state }) => state === 'locked');
    return [
      ...(isLocked ? [locked] : []),
      ...(pending > 0 ? [['approvals-pending', 'mcp approve', waits] as const] : []),
      ...(isEmpty ? [nothing] : []),
    ];
  });
}

const ownStores: readonly string[] = ['sealed', 'keychain'];

/** What the files tell of a home whose daemon does not run. */
async function ofFiles({ paths }: Session): Promise<readonly Step[]> {
  const sets = logged(paths.audit, { event: 'set', outcome: 'allowed' });
  return [
    ...(isThere(paths.identity) ? [locked] : []),
    ...((await sets.next()).done === true ? [nothing] : []),
  ];
}

/** A server of config.yaml that the audit log has no launch of. */
async function unlaunched({ paths }: Session, { servers }: Config): Promise<readonly Step[]> {
  const left = new Set(Object.keys(servers));
  for await (const { server } of logged(paths.audit, { event: 'launch', outcome: 'allowed' })) {
    if (left.size === 0) break;
    left.delete(String(server));
  }
  const [name] = left;
  if (name === undefined) return [];
  const why = 'start this server of config.yaml for the first time';
  return [['not-launched', `mcp exec ${name}`, why]];
}

/** Lines of the audit log; none where there is no log. */
async function* logged(folder: string, filter: Filter): AsyncGenerator<AuditRecord> {
  if (!isThere(folder)) return;
  const { parseRecord, searchLog } = await import('@mcp-broker/daemon/audit');
  for await (const lines of searchLog(folder, filter)) {
    for (const line of lines) {
      const record = parseRecord(line);
      if (record !== undefined) yield record;
    }
  }
}
