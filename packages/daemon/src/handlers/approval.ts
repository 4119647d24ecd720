import { realpathSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { BrokerError } from '@mcp-broker/providers/errors';
import type { AuditEvent } from '../audit/event.ts';
import { caller, lockedMeanwhile, type Broker } from '../broker.ts';
import type { Handlers } from '../listener/handler.ts';
import { isWithin } from '../grants/grant.ts';
import { listedLaunch } from '../grants/kept-launch.ts';
import type {
  GrantSummary,
  Lifetime,
  PendingApproval,
  RequestedTool,
  RequestedVariable,
} from '../protocol/approvals.ts';
import { backendsOf, changing, refusing } from './audited.ts';

type ApprovalHandlers = Pick<
  Handlers,
  | 'approval.list'
  | 'approval.open'
  | 'approval.grant'
  | 'approval.deny'
  | 'grant.list'
  | 'grant.revoke'
>;

/** The door that only a person passes: see a request, then grant it; and the way back. */
export function approvalHandlers(broker: Broker): ApprovalHandlers {
  const { approvals, audit, grants, keyring, presence } = broker;

  /** As long as the launch, or as long as it may be. Nothing of it depends on the folder of the launch. */
  const addTool = (
    request: PendingApproval,
    one: RequestedTool,
    lifetime: Lifetime | undefined,
  ): Promise<GrantSummary> => {
    const { limit } = one;
    const isTooLong = limit !== undefined && (lifetime === 'always' || Number(lifetime) > limit.ms);
    return grants.add({
      outcome: 'allowed',
      request: standalone(request, one),
      variables: [],
      ...(lifetime === undefined || isTooLong ? {} : { lifetime }),
    });
  };

  return {
    async 'approval.list'() {
      const pending = approvals.pending.map((request) => ({
        ...request,
        // What a backend runs stands in config.yaml, where nothing is ever a secret.
        launch: request.tool === undefined ? listedLaunch(request.launch) : request.launch,
      }));
      return { result: { pending } };
    },

    async 'approval.open'({ id }, context) {
      const request = approvals.find(id);
      const line = { event: 'approve', ...lineOf(request), ...caller(context) } as const;
      const code = await refusing(broker, line, async () =>
        presence.open(context, subjectOf(request)),
      );
      return { result: { request, code } };
    },

    async 'approval.grant'(params, context) {
      const { id, fingerprint, variables, lifetime, workspace, code } = params;
      const request = approvals.find(id);
      const { epoch } = keyring;
      const { tools = [] } = request;
      const isShown = tools.every((one) => params.tools?.includes(one.fingerprint) === true);
      if (request.fingerprint !== fingerprint || !isShown) throw notTheOneShown(id);
      const chosen = choose(request, variables);
      const left = request.variables.filter((variable) => !chosen.includes(variable));
      const folder = workspace === undefined ? undefined : workspaceOf(request, workspace);
      const line = {
        event: 'approve',
        ...lineOf(request),
        variables: chosen.map(({ name }) => name),
        ...caller(context),
      } as const;
      await refusing(broker, line, async () => {
        const [passphrase] = context.attachments;
        await presence.prove(context, subjectOf(request), {
          ...(code === undefined ? {} : { code }),
          ...(passphrase === undefined ? {} : { passphrase }),
        });
        await grants.load();
      });
      const grant = await changing(broker, line, async () => {
        // Nothing that was approved before a lock begins after it.
        if (keyring.epoch !== epoch) throw lockedMeanwhile('the approval');
        // First what it cannot do without: nobody is asked twice for what was shown once.
        for (const one of tools) await addTool(request, one, lifetime);
        return grants.add({
          outcome: 'allowed',
          request,
          variables: chosen,
          ...(lifetime === undefined ? {} : { lifetime }),
          ...(folder === undefined ? {} : { workspace: folder }),
        });
      });
      approvals.settle(id, left);
      for (const one of tools) approvals.settleFingerprint(one.fingerprint);
      return { result: { grant, left: left.map(({ name }) => name) } };
    },

    async 'approval.deny'({ id, lifetime = 'session' }, context) {
      const request = approvals.find(id);
      const line = { event: 'deny', ...lineOf(request), ...caller(context) } as const;
      await refusing(broker, line, () => grants.load());
      const { variables } = request;
      const denial = await changing(broker, line, () =>
        grants.add({ outcome: 'denied', request, variables, lifetime }),
      );
      approvals.settle(id, []);
      return { result: { denial } };
    },

    async 'grant.list'() {
      // While locked the file cannot be read, and grants nothing either.
      await grants.load().catch(() => undefined);
      const problem = grants.problem?.toShape();
      return { result: { grants: grants.list, ...(problem === undefined ? {} : { problem }) } };
    },

    async 'grant.revoke'(which, context) {
      if ([which.id, which.server, which.all].filter((one) => one !== undefined).length !== 1) {
        throw new BrokerError('ERR_USAGE', 'either an id, a server or all has to be named', {
          hint: 'mcp approvals revoke ID',
        });
      }
      const line = { event: 'revoke', ...caller(context) } as const;
      await refusing(broker, line, () => grants.load());
      const revoked = await grants.revoke(which);
      // Afterwards, and not awaited for leave: taking back does not depend on the audit.
      for (const { fingerprint, variables, server, backend } of revoked) {
        await audit
          .append({
            ...line,
            outcome: 'allowed',
            fingerprint,
            variables,
            ...(server === undefined ? {} : { server }),
            ...(backend === undefined ? {} : { backend }),
          })
          .catch(() => undefined);
      }
      return { result: { revoked } };
    },
  };
}

/** What the code stands for: this launch, and these variables of it as they were shown. */
function subjectOf({ fingerprint, variables, tools = [] }: PendingApproval): string {
  // In an order of their own: another launch of it may have found them in another.
  const references = variables.map(({ reference }) => reference).sort();
  const commands = tools.map((one) => one.fingerprint).sort();
  return `launch:${fingerprint}:${[...references, ...commands].join(' ')}`;
}

/** The request for the commands of a backend alone, out of that of a launch which needs them. */
function standalone(
  { id, pid, requested, expires }: PendingApproval,
  { launch, ...own }: RequestedTool,
): PendingApproval {
  const workingDirectory = launch.workingDirectory ?? '/';
  return {
    id,
    pid,
    requested,
    expires,
    launch,
    workingDirectory,
    variables: [],
    granted: [],
    ...own,
  };
}

/** Those that are named; without names, those that steer nothing. Throws `ERR_NOT_FOUND` and `ERR_USAGE`. */
function choose(
  { id, variables, tool }: PendingApproval,
  names: readonly string[] | undefined,
): readonly RequestedVariable[] {
  // It is granted or it is not: nothing of it has a name of its own.
  if (tool !== undefined && (names ?? []).length === 0) return [];
  const plain = variables.filter(({ steers }) => steers.length === 0);
  if (names === undefined) {
    if (plain.length > 0) return plain;
    const [first] = variables;
    throw new BrokerError('ERR_USAGE', `all variables of request ${id} steer the server`, {
      hint: `name it to approve it: mcp approve ${id} ${first?.name ?? 'VARIABLE'}`,
      subject: id,
    });
  }
  return names.map((name) => {
    const found = variables.find((one) => one.name === name || one.reference === name);
    if (found !== undefined) return found;
    throw new BrokerError('ERR_NOT_FOUND', `request ${id} does not wait for ${name}`, {
      hint: `it waits for ${variables.map((one) => one.name).join(', ')}`,
      subject: name,
    });
  });
}

/** The real folder, in which the launch has to have been asked for. */
function workspaceOf(request: PendingApproval, workspace: string): string {
  const refuse = (problem: string): never => {
    throw new BrokerError('ERR_USAGE', `the workspace ${workspace} ${problem}`, {
      hint: `a folder that ${request.workingDirectory} lies in, or that folder itself`,
      subject: workspace,
    });
  };
  if (!isAbsolute(workspace)) return refuse('is no absolute path');
  let folder: string;
  try {
    folder = realpathSync.native(workspace);
  } catch {
    return refuse('does not exist');
  }
  const isInside = isWithin(request.workingDirectory, folder);
  return isInside ? folder : refuse('is not where the launch was asked for');
}

function lineOf(
  request: PendingApproval,
): Pick<AuditEvent, 'server' | 'variables' | 'backend' | 'fingerprint'> {
  return {
    ...(request.server === undefined ? {} : { server: request.server }),
    variables: request.variables.map((variable) => variable.name),
    ...backendsOf(request.tool === undefined ? request.variables : [request.tool]),
    fingerprint: request.fingerprint,
  };
}

function notTheOneShown(id: string): BrokerError {
  return new BrokerError('ERR_NOT_FOUND', `request ${id} is not the one that was shown`, {
    hint: `mcp approve ${id}`,
    subject: id,
  });
}
