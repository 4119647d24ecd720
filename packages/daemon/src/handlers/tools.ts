import { BrokerError, combineErrors } from '@mcp-broker/providers/errors';
import { caller, commandLine, type Broker } from '../broker.ts';
import { changes } from '../grants/diff.ts';
import type { Launching } from '../grants/grants.ts';
import { keptLaunch } from '../grants/kept-launch.ts';
import type { Context, Handlers } from '../listener/handler.ts';
import { defaultHome, personalFolder } from '../paths.ts';
import { refusedByPerson } from '../policy/decide.ts';
import { isLaunched } from '../policy/launches.ts';
import type { GrantSummary, PendingApproval, RequestedTool } from '../protocol/approvals.ts';
import { toolReference } from '../tools/tool-reference.ts';
import type { ExaminedTool } from '../tools/tools.ts';
import { ExaminedLaunch } from './launch-request.ts';

/** What has to be approved before it is needed. */
export function toolHandlers(broker: Broker): Pick<Handlers, 'backend.request'> {
  return {
    async 'backend.request'({ backend }, context) {
      if (!Object.hasOwn(broker.config.backends, backend)) {
        throw new BrokerError('ERR_NOT_FOUND', `backend ${backend} does not exist`, {
          hint: `known backends: ${Object.keys(broker.config.backends).join(', ')}`,
          subject: backend,
        });
      }
      await broker.grants.load();
      const [needed] = await neededTools(broker, [backend], context);
      if (needed === undefined || (needed.granted && needed.denied === undefined)) {
        return { result: { request: null } };
      }
      if (needed.denied !== undefined) throw refusedByPerson(needed.denied);
      return { result: { request: await askForTool(broker, needed, context) } };
    },
  };
}

/** The commands of a backend that a call needs, and what a person said of them. */
export interface NeededTool extends ExaminedTool {
  readonly launching: Launching;
  readonly granted: boolean;
  readonly denied?: GrantSummary;
}

/** Looks at the commands of these backends; those without any are left out. The grants have to be loaded. */
export async function neededTools(
  broker: Broker,
  backends: Iterable<string>,
  { peer }: Pick<Context, 'peer'>,
): Promise<readonly NeededTool[]> {
  const found = await Promise.all([...new Set(backends)].map((name) => broker.tools.examine(name)));
  return found.flatMap((examined) => {
    if (examined === undefined) return [];
    const launching = new ExaminedLaunch(
      examined.fingerprint,
      personalFolder,
      broker.platform,
      peer,
    );
    return [{ ...examined, launching, ...standing(broker, examined, launching) }];
  });
}

function standing(
  { grants }: Broker,
  { tool }: ExaminedTool,
  launching: Launching,
): Pick<NeededTool, 'granted' | 'denied'> {
  const reference = toolReference(tool.backend);
  const { granted, denied } = grants.look(launching, [reference]);
  return { granted: granted.has(reference), ...(denied === undefined ? {} : { denied }) };
}

/** What was granted still is, and is used up where it was granted once; gives what they may run by. */
export function useTools(broker: Broker, tools: readonly NeededTool[]): (() => void) | undefined {
  const now = tools.map((one) => standing(broker, one, one.launching));
  if (now.some(({ granted, denied }) => !granted || denied !== undefined)) return undefined;
  for (const { tool, launching } of tools) {
    broker.grants.use(launching, [toolReference(tool.backend)]);
  }
  const releases = tools.map(({ fingerprint }) => broker.tools.permit(fingerprint));
  return () => {
    for (const release of releases) release();
  };
}

/**
 * The action may use these backends: what they run has been approved by a person. Throws
 * `ERR_NOT_APPROVED`, with the request kept and the command to type, and `ERR_DENIED`.
 */
export async function usingTools<T>(
  broker: Broker,
  backends: readonly string[],
  context: Context,
  action: () => Promise<T>,
): Promise<T> {
  const release = await holdTools(broker, backends, context);
  try {
    return await action();
  } finally {
    release();
  }
}

/** The same until the release, for what is no single action. */
export async function holdTools(
  broker: Broker,
  backends: readonly string[],
  context: Context,
): Promise<() => void> {
  const isCommand = backends.some((name) => broker.config.backends[name]?.kind === 'command');
  // Of most homes nothing has to be read for this.
  if (!isCommand) return () => undefined;
  await broker.grants.load();
  const tools = await neededTools(broker, backends, context);
  const refused = tools.flatMap(({ denied }) =>
    denied === undefined ? [] : refusedByPerson(denied),
  );
  if (refused.length > 0) throw combineErrors(refused);
  const missing = tools.find(({ granted }) => !granted);
  if (missing !== undefined) {
    throw toolNotApproved(broker, await askForTool(broker, missing, context));
  }
  const release = useTools(broker, tools);
  if (release === undefined) throw changedMeanwhile();
  return release;
}

/** Keeps the request for a person, and writes it down. */
export async function askForTool(
  broker: Broker,
  needed: NeededTool,
  context: Context,
): Promise<PendingApproval> {
  const { launch, tool, ...request } = requestedTool(broker, needed);
  const pending = broker.approvals.request(
    {
      ...request,
      tool,
      launch,
      workingDirectory: personalFolder(),
      variables: [],
      granted: [],
      pid: context.peer.pid,
    },
    isLaunched(context.peer, broker.platform, broker.launches) ? 'server' : undefined,
  );
  await broker.audit.append({
    event: 'pending',
    outcome: 'denied',
    code: 'ERR_NOT_APPROVED',
    backend: tool.backend,
    fingerprint: needed.fingerprint,
    ...caller(context),
  });
  broker.notifier.pending(pending, approveTool(broker, pending));
  return pending;
}

/** What a person is to see of it, and how it differs from what was approved before. */
export function requestedTool(broker: Broker, needed: NeededTool): RequestedTool {
  const { tool, description, fingerprint, limit } = needed;
  const before = broker.grants.similar({ launch: description, fingerprint });
  const differences = before === undefined ? [] : changes(before, keptLaunch(description));
  return {
    tool,
    launch: description,
    fingerprint,
    ...(limit === undefined ? {} : { limit }),
    ...(differences.length === 0 ? {} : { changes: differences }),
  };
}

export function toolNotApproved(broker: Broker, pending: PendingApproval): BrokerError {
  const backend = pending.tool?.backend ?? '';
  return new BrokerError(
    'ERR_NOT_APPROVED',
    `the commands of backend ${backend} are not approved`,
    {
      hint: `in a terminal: ${approveTool(broker, pending)}`,
      subject: pending.id,
      retryable: true,
    },
  );
}

function approveTool({ paths }: Broker, { id }: PendingApproval): string {
  return commandLine(paths, paths.home === defaultHome(), `approve ${id}`);
}

function changedMeanwhile(): BrokerError {
  return new BrokerError('ERR_DENIED', 'the approval of a backend changed meanwhile', {
    hint: 'try again',
    retryable: true,
  });
}
