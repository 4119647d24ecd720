import { randomBytes } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { BrokerError, combineErrors, toBrokerError } from '@mcp-broker/providers/errors';
import type { AuditEvent } from '../audit/event.ts';
import { caller, commandLine, type Broker } from '../broker.ts';
import { readLaunch, steeringNames, type LaunchPlan } from '../launch.ts';
import type { Context, Handlers } from '../listener/handler.ts';
import { decide, type VariableFacts } from '../policy/decide.ts';
import type { Executable } from '../policy/digests.ts';
import { findCommand } from '../policy/find-command.ts';
import { fingerprint } from '../policy/fingerprint.ts';
import { createTickets, invalidTicket } from '../policy/tickets.ts';
import type { LaunchRequest, PendingApproval } from '../protocol/messages.ts';
import { formatReference } from '../reference.ts';
import { formatLocator, nameSubject, type Plan } from '../resolver.ts';
import { readValues } from './launch-values.ts';

/** What a ticket stands for. */
interface Launch {
  readonly launch: string;
  readonly server: string | undefined;
  readonly fingerprint: string;
  readonly plan: LaunchPlan;
  readonly variables: readonly Plan[];
  /** Of the config that it was decided by. */
  readonly config: string;
}

/** `launch.request` decides and gives a ticket; `launch.take` gives the values against it, once. */
export function launchHandlers(broker: Broker): Pick<Handlers, 'launch.request' | 'launch.take'> {
  const { approvals, audit, keyring } = broker;
  const tickets = createTickets<Launch>(broker.clock);

  const deny = async (
    line: Omit<AuditEvent, 'event' | 'outcome'>,
    thrown: unknown,
  ): Promise<never> => {
    const { code } = toBrokerError(thrown);
    // Both have a line already, or cannot have one.
    if (code !== 'ERR_NOT_APPROVED' && code !== 'ERR_AUDIT') {
      await audit.append({ event: 'deny', outcome: 'denied', code, ...line });
    }
    throw thrown;
  };

  return {
    async 'launch.request'(request, context) {
      const launch = randomBytes(8).toString('hex');
      const { server } = request;
      const about = { launch, ...caller(context), ...(server === undefined ? {} : { server }) };
      // Before anything is planned by it: what is decided while it changes gets no value.
      const config = broker.loaded.digest;
      let subjects: readonly string[] = [];
      try {
        const plan = readLaunch(request);
        if (plan.references.size === 0) throw noReference();
        const { variables, facts } = await gather(broker, plan);
        subjects = facts.map(({ subject }) => subject);
        const workingDirectory = broker.platform.process(context.peer.pid)?.workingDirectory ?? '/';
        const found = findCommand(request.command, request.path, workingDirectory);
        const executable = await broker.digests.examine(found);
        const print = fingerprint(describe(request, executable, variables));
        const texts = variables.map((variable) => variable.text);
        const decision = decide({ variables: facts, granted: approvals.covers(print, texts) });
        if (decision.kind === 'deny') throw combineErrors(decision.problems);
        if (decision.kind === 'ask') {
          throw await ask(
            broker,
            pendingApproval(request, executable, variables, plan, print, workingDirectory, context),
            about,
          );
        }
        const ticket = tickets.issue(context, {
          launch,
          server,
          fingerprint: print,
          plan,
          variables,
          config,
        });
        return { result: { launch, ticket, executable: executable.identity } };
      } catch (error) {
        return deny({ ...about, variables: subjects }, error);
      }
    },

    async 'launch.take'({ ticket }, context) {
      const launch = tickets.redeem(context, ticket);
      const about = { ...caller(context), ...(launch === undefined ? {} : lineOf(launch)) };
      const began = broker.clock.monotonic();
      const { epoch } = keyring;
      try {
        if (launch === undefined) throw invalidTicket();
        requireStanding(broker, launch);
        const values = await readValues(broker.resolver, launch.plan, launch.variables);
        try {
          await audit.append({
            event: 'launch',
            outcome: 'allowed',
            ...about,
            cached: values.cached,
            age_ms: Math.round(values.ageMs),
            duration_ms: Math.round(broker.clock.monotonic() - began),
          });
          // Whoever locked meanwhile was told that nothing leaves any more.
          if (keyring.epoch !== epoch) throw lockedMeanwhile();
        } catch (error) {
          for (const bytes of values.attachments) bytes.fill(0);
          throw error;
        }
        keyring.touch();
        broker.launches.add(context.peer);
        return { result: { values: values.indexes }, attachments: values.attachments };
      } catch (error) {
        return deny(about, error);
      }
    },
  };
}

/** Throws when what the ticket was issued on is no longer so. */
function requireStanding(broker: Broker, launch: Launch): void {
  const texts = launch.variables.map((variable) => variable.text);
  if (
    broker.approvals.covers(launch.fingerprint, texts) &&
    broker.loaded.digest === launch.config
  ) {
    return;
  }
  throw new BrokerError('ERR_DENIED', 'approval or configuration changed during the launch', {
    hint: 'start the server again',
    retryable: true,
  });
}

function lineOf(launch: Launch): Omit<AuditEvent, 'event' | 'outcome'> {
  return {
    launch: launch.launch,
    fingerprint: launch.fingerprint,
    variables: launch.variables.map((variable) => variable.subject),
    ...(launch.server === undefined ? {} : { server: launch.server }),
  };
}

function noReference(): BrokerError {
  return new BrokerError('ERR_USAGE', 'the launch holds no reference', {
    hint: 'it needs no daemon: start the command as it is',
  });
}

function lockedMeanwhile(): BrokerError {
  return new BrokerError('ERR_LOCKED', 'the sealed file was locked during the launch', {
    hint: 'mcp unlock',
    retryable: true,
  });
}

/** What each reference leads to, and what is known of it without asking a remote store. */
async function gather(
  broker: Broker,
  plan: LaunchPlan,
): Promise<{ variables: Plan[]; facts: VariableFacts[] }> {
  const variables: Plan[] = [];
  const facts = await Promise.all(
    [...plan.references.values()].map(async ({ reference, into }): Promise<VariableFacts> => {
      const hasFallback = reference.kind === 'variable' && reference.fallback !== undefined;
      const subject = reference.kind === 'variable' ? reference.name : formatReference(reference);
      const steering = steeringNames(into);
      try {
        const variable = await broker.resolver.plan(reference);
        variables.push(variable);
        const state = await broker.resolver.state(variable);
        return { subject, state, hasFallback, steering, backend: variable.backend };
      } catch (error) {
        return {
          subject,
          state: 'unknown',
          failure: nameSubject(error, subject),
          hasFallback,
          steering,
          backend: '',
        };
      }
    }),
  );
  return { variables, facts };
}

function describe(
  request: LaunchRequest,
  executable: Executable,
  variables: readonly Plan[],
): Parameters<typeof fingerprint>[0] {
  return {
    executable: executable.realPath,
    digest: executable.digest,
    args: request.args,
    allowArgs: request.allowArgs === true,
    environment: request.environment,
    variables: variables.map(({ text, backend, kind, locator }) => ({
      reference: text,
      backend,
      kind,
      locator: formatLocator(locator),
    })),
  };
}

function pendingApproval(
  request: LaunchRequest,
  executable: Executable,
  variables: readonly Plan[],
  plan: LaunchPlan,
  print: string,
  workingDirectory: string,
  context: Context,
): Omit<PendingApproval, 'id' | 'requested'> {
  return {
    ...(request.server === undefined ? {} : { server: request.server }),
    command: request.command,
    args: request.args,
    executable: executable.realPath,
    digest: executable.digest,
    workingDirectory,
    environment: request.environment,
    variables: variables.map(({ text, subject, backend, locator }) => ({
      reference: text,
      name: subject,
      backend,
      locator: formatLocator(locator),
      into: plan.references.get(text)?.into ?? [],
    })),
    fingerprint: print,
    pid: context.peer.pid,
  };
}

/** Keeps the request for a person and gives the error that tells what to type. */
async function ask(
  broker: Broker,
  request: Omit<PendingApproval, 'id' | 'requested'>,
  about: { readonly launch: string },
): Promise<BrokerError> {
  const pending = broker.approvals.request(request);
  const names = pending.variables.map((variable) => variable.name);
  await broker.audit.append({
    event: 'pending',
    outcome: 'denied',
    code: 'ERR_NOT_APPROVED',
    ...about,
    variables: names,
    fingerprint: pending.fingerprint,
  });
  const isDefaultHome = broker.paths.home === join(homedir(), '.mcp');
  return new BrokerError(
    'ERR_NOT_APPROVED',
    `this launch is not approved for ${names.join(', ')}`,
    {
      hint: `in a terminal: ${commandLine(broker.paths, isDefaultHome, `approve ${pending.id}`)}`,
      subject: pending.id,
      retryable: true,
    },
  );
}
