import { systemClock, type Client } from '@mcp-broker/daemon/client';
import {
  BrokerError,
  toBrokerError,
  type AuditVerdict,
  type ErrorShape,
  type GrantSummary,
  type PendingApproval,
  type SecretSummary,
  type Status,
} from '@mcp-broker/daemon/protocol';

import type { InstalledService } from '../../service/findings.ts';
import { version } from '../../version.ts';
import { using, type Session } from '../session.ts';

/** What the daemon says, if one runs. */
export interface DaemonFacts {
  /** Of a daemon of our own version: what another says may have another form. */
  readonly status: Status | undefined;
  /** One of another version runs. */
  readonly other: Pick<Status, 'version' | 'pid'> | undefined;
  /** Why one that may run cannot be asked. */
  readonly problem: BrokerError | undefined;
  /** What is the matter with the backends in use, by their names. The sealed file's state tells enough. */
  readonly backendProblems: ReadonlyMap<string, ErrorShape>;
  /** Undefined: it is locked. */
  readonly secrets: readonly SecretSummary[] | undefined;
  readonly grants: readonly GrantSummary[] | undefined;
  /** Why the grants file grants nothing. */
  readonly grantsProblem: ErrorShape | undefined;
  readonly pending: readonly PendingApproval[];
  readonly verdict: AuditVerdict | undefined;
  readonly auditProblem: BrokerError | undefined;
}

const none: DaemonFacts = {
  status: undefined,
  other: undefined,
  problem: undefined,
  backendProblems: new Map(),
  secrets: undefined,
  grants: undefined,
  grantsProblem: undefined,
  pending: [],
  verdict: undefined,
  auditProblem: undefined,
};

export function isRunning({ status, other }: DaemonFacts): boolean {
  return status !== undefined || other !== undefined;
}

/** One that a service manager would start for it is not asked. */
export async function askDaemon(
  session: Session,
  service: InstalledService | undefined,
): Promise<DaemonFacts> {
  if (service?.state.manager === 'waiting') return none;
  try {
    const client = await session.reach();
    if (client === undefined) return none;
    return await using(client, ask);
  } catch (error) {
    return { ...none, problem: toBrokerError(error) };
  }
}

async function ask(client: Client): Promise<DaemonFacts> {
  const status = await statusOf(client);
  if (status.version !== version) return { ...none, other: status };
  const isLocked = status.backends.some(({ state }) => state === 'locked');
  const [secrets, grants, pending, audit] = await Promise.allSettled([
    isLocked ? undefined : client.call('secret.list', {}),
    isLocked ? undefined : client.call('grant.list', {}),
    client.call('approval.list', {}),
    client.call('audit.verify', {}),
  ]);
  return {
    ...none,
    status,
    backendProblems: await testBackends(client),
    secrets: valueOf(secrets)?.result.secrets,
    grants: valueOf(grants)?.result.grants,
    // The file is read when it is asked for: the status may be of before.
    grantsProblem: valueOf(grants)?.result.problem ?? status.grantsProblem,
    pending: valueOf(pending)?.result.pending ?? [],
    verdict: valueOf(audit)?.result,
    auditProblem: audit.status === 'rejected' ? toBrokerError(audit.reason) : undefined,
  };
}

/** A daemon that hangs holds nobody up. Once it has answered, what takes long takes long. */
const answerMs = 10_000;

async function statusOf(client: Client): Promise<Status> {
  const late = new AbortController();
  const cancel = systemClock.after(answerMs, () => {
    late.abort();
  });
  try {
    return (await client.call('broker.status', {}, { signal: late.signal })).result;
  } catch (error) {
    if (!late.signal.aborted) throw error;
    throw new BrokerError('ERR_DAEMON_UNREACHABLE', 'the daemon is there and does not answer', {
      hint: 'end its process (ss -xlp shows its pid), then: mcp daemon start',
    });
  } finally {
    cancel();
  }
}

/** Those that some variable lies in. */
async function testBackends(client: Client): Promise<ReadonlyMap<string, ErrorShape>> {
  const problems = new Map<string, ErrorShape>();
  const { backends } = (await client.call('backend.list', {})).result;
  const used = backends.filter(
    ({ kind, isDefault, variables }) => kind !== 'sealed-file' && (isDefault || variables > 0),
  );
  const tests = used.map(({ name }) => client.call('backend.test', { name }));
  for (const [index, test] of (await Promise.allSettled(tests)).entries()) {
    const failed = valueOf(test)?.result.steps.find(({ problem }) => problem !== undefined);
    const name = used[index]?.name;
    if (name !== undefined && failed?.problem !== undefined) problems.set(name, failed.problem);
  }
  return problems;
}

function valueOf<T>(settled: PromiseSettledResult<T>): T | undefined {
  return settled.status === 'fulfilled' ? settled.value : undefined;
}
