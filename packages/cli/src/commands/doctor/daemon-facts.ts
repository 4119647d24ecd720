import type { Client } from '@mcp-broker/daemon/client';
import {
  toBrokerError,
  type AuditVerdict,
  type BrokerError,
  type ErrorShape,
  type GrantSummary,
  type PendingApproval,
  type SecretSummary,
  type Status,
} from '@mcp-broker/daemon/protocol';

import type { InstalledService } from '../../service/findings.ts';
import { using, type Session } from '../session.ts';

/** What the daemon says, if one runs. */
export interface DaemonFacts {
  readonly status: Status | undefined;
  /** Why one that may run cannot be asked. */
  readonly problem: BrokerError | undefined;
  /** Undefined: it is locked, or of a version that does not say. */
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
  problem: undefined,
  secrets: undefined,
  grants: undefined,
  grantsProblem: undefined,
  pending: [],
  verdict: undefined,
  auditProblem: undefined,
};

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
  const { result: status } = await client.call('broker.status', {});
  const isLocked = status.backends.some(({ state }) => state === 'locked');
  const [secrets, grants, pending, audit] = await Promise.allSettled([
    isLocked ? undefined : client.call('secret.list', {}),
    isLocked ? undefined : client.call('grant.list', {}),
    client.call('approval.list', {}),
    client.call('audit.verify', {}),
  ]);
  return {
    status,
    problem: undefined,
    secrets: valueOf(secrets)?.result.secrets,
    grants: valueOf(grants)?.result.grants,
    // The file is read when it is asked for: the status may be of before.
    grantsProblem: valueOf(grants)?.result.problem ?? status.grantsProblem,
    pending: valueOf(pending)?.result.pending ?? [],
    verdict: valueOf(audit)?.result,
    auditProblem: audit.status === 'rejected' ? toBrokerError(audit.reason) : undefined,
  };
}

function valueOf<T>(settled: PromiseSettledResult<T>): T | undefined {
  return settled.status === 'fulfilled' ? settled.value : undefined;
}
