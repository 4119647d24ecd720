import { randomBytes } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { BrokerError, combineErrors } from '@mcp-broker/providers/errors';
import { caller, commandLine, type Broker } from '../broker.ts';
import { readLaunch, steeringNames, type LaunchPlan } from '../launch.ts';
import type { Context, Handlers } from '../listener/handler.ts';
import type { Peer } from '../listener/peer.ts';
import { decide, type VariableFacts } from '../policy/decide.ts';
import type { Executable } from '../policy/executable.ts';
import { findCommand } from '../policy/executable.ts';
import { fingerprint } from '../policy/fingerprint.ts';
import type { LaunchRequest, PendingApproval } from '../protocol/messages.ts';
import { formatReference } from '../reference.ts';
import { formatLocator, nameSubject, type Plan } from '../resolver.ts';
import { readValues } from './launch-values.ts';

const ticketForMs = 30_000;

interface Ticket {
  readonly launch: string;
  readonly server: string | undefined;
  readonly fingerprint: string;
  readonly plan: LaunchPlan;
  readonly variables: readonly Plan[];
  readonly connection: number;
  readonly peer: Peer;
  readonly until: number;
}

/** `launch.request` decides and gives a ticket; `launch.take` gives the values against it, once. */
export function launchHandlers(broker: Broker): Pick<Handlers, 'launch.request' | 'launch.take'> {
  const tickets = new Map<string, Ticket>();

  return {
    async 'launch.request'(request, context) {
      const launch = randomBytes(8).toString('hex');
      const about = {
        launch,
        ...caller(context),
        ...(request.server === undefined ? {} : { server: request.server }),
      };
      try {
        const plan = readLaunch(request);
        const { variables, facts } = await gather(broker, plan, context.signal);
        const workingDirectory = broker.platform.process(context.peer.pid)?.workingDirectory ?? '/';
        const found = await findCommand(request.command, request.path, workingDirectory);
        const executable = await broker.digests.examine(found);
        const print = fingerprint(describe(request, executable, variables));
        const granted = broker.approvals.covers(
          print,
          variables.map((variable) => variable.text),
        );
        const decision = decide({ variables: facts, granted });
        if (decision.kind === 'deny') throw combineErrors(decision.problems);
        if (decision.kind === 'ask') {
          throw await ask(
            broker,
            pendingApproval(request, executable, variables, plan, print, workingDirectory, context),
            about,
          );
        }
        const ticket = randomBytes(16).toString('hex');
        tickets.set(ticket, {
          launch,
          server: request.server,
          fingerprint: print,
          plan,
          variables,
          connection: context.connection.id,
          peer: context.peer,
          until: broker.clock.monotonic() + ticketForMs,
        });
        context.connection.onClose(() => {
          tickets.delete(ticket);
        });
        return { result: { launch, ticket, executable: executable.identity } };
      } catch (error) {
        if (error instanceof BrokerError && error.code !== 'ERR_NOT_APPROVED') {
          await broker.audit.append({
            event: 'deny',
            outcome: 'denied',
            code: error.code,
            ...about,
          });
        }
        throw error;
      }
    },

    async 'launch.take'({ ticket: text }, context) {
      const ticket = tickets.get(text);
      tickets.delete(text);
      const about = {
        ...caller(context),
        ...(ticket === undefined ? {} : { launch: ticket.launch, fingerprint: ticket.fingerprint }),
        ...(ticket?.server === undefined ? {} : { server: ticket.server }),
      };
      const began = broker.clock.monotonic();
      try {
        if (ticket === undefined || !ownedBy(ticket, context, began)) {
          throw new BrokerError('ERR_DENIED', 'the ticket is not valid here, or was used', {
            hint: 'start the server again',
          });
        }
        const texts = ticket.variables.map((variable) => variable.text);
        if (!broker.approvals.covers(ticket.fingerprint, texts)) {
          throw new BrokerError('ERR_NOT_APPROVED', 'the approval of this launch was taken back', {
            hint: 'start the server again',
          });
        }
        const values = await readValues(broker.resolver, ticket.plan, ticket.variables);
        try {
          await broker.audit.append({
            event: 'launch',
            outcome: 'allowed',
            ...about,
            variables: ticket.variables.map((variable) => variable.subject),
            cached: values.cached,
            age_ms: Math.round(values.ageMs),
            duration_ms: Math.round(broker.clock.monotonic() - began),
          });
        } catch (error) {
          for (const bytes of values.attachments) bytes.fill(0);
          throw error;
        }
        broker.launches.add(context.peer);
        return { result: { values: values.indexes }, attachments: values.attachments };
      } catch (error) {
        if (error instanceof BrokerError && error.code !== 'ERR_AUDIT') {
          await broker.audit.append({
            event: 'deny',
            outcome: 'failed',
            code: error.code,
            ...about,
          });
        }
        throw error;
      }
    },
  };
}

/** What each reference leads to, and what is known of it without asking a remote store. */
async function gather(
  broker: Broker,
  plan: LaunchPlan,
  signal: AbortSignal,
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
        const state = await broker.resolver.state(variable, signal);
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

function ownedBy(ticket: Ticket, context: Context, now: number): boolean {
  return (
    ticket.connection === context.connection.id &&
    ticket.peer.pid === context.peer.pid &&
    ticket.peer.startTime === context.peer.startTime &&
    now < ticket.until
  );
}
