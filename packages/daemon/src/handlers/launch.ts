import { BrokerError, combineErrors, toBrokerError } from '@mcp-broker/providers/errors';
import type { AuditEvent } from '../audit/event.ts';
import { caller, commandLine, lockedMeanwhile, type Broker } from '../broker.ts';
import { readLaunch, type LaunchPlan } from '../launch.ts';
import type { RunningLaunch } from '../running/launch-journal.ts';
import type { Context, Handlers } from '../listener/handler.ts';
import { NotShown } from '../entries/shown.ts';
import { defaultHome } from '../paths.ts';
import { decide } from '../policy/decide.ts';
import type { Launching } from '../grants/grants.ts';
import { isLaunched } from '../policy/launches.ts';
import { findCommand } from '../program/find-command.ts';
import { searching } from '../program/search-path.ts';
import { createTickets, invalidTicket } from '../policy/tickets.ts';
import type { PendingApproval } from '../protocol/approvals.ts';
import type { EntryLaunchRequest, LaunchRequest, LaunchTicket } from '../protocol/messages.ts';
import type { Plan } from '../resolver.ts';
import { backendsOf } from './audited.ts';
import { examine, gather, pendingRequest } from './launch-request.ts';
import { readValues } from './launch-values.ts';
import { orderOf, type Order } from './order.ts';
import { randomId } from '../random-id.ts';

/** What a ticket stands for. */
interface Launch {
  readonly launch: string;
  readonly server: string | undefined;
  readonly launching: Launching;
  readonly plan: LaunchPlan;
  readonly variables: readonly Plan[];
  /** Of the config that it was decided by. */
  readonly config: string;
}

/** The members of a launch's audit lines, filled in as they become known. */
type About = Omit<AuditEvent, 'event' | 'outcome'> & { readonly launch: string };

type Answer = { readonly ticket: LaunchTicket } | { readonly pending: PendingApproval };

/** Each holds its request in memory; one more is answered at once, as without `waitMs`. */
const maxWaiting = 64;

/** `launch.request` decides and gives a ticket; `launch.take` gives the values against it, once. */
export function launchHandlers(broker: Broker): Pick<Handlers, 'launch.request' | 'launch.take'> {
  const { approvals, audit, grants, keyring } = broker;
  const tickets = createTickets<Launch>(broker.clock);
  let waiting = 0;

  /** `resolve`: the launch may have its values, and one could not be read. */
  const refuse = async (
    line: Omit<AuditEvent, 'event' | 'outcome'>,
    thrown: unknown,
    event: 'deny' | 'resolve' = 'deny',
  ): Promise<never> => {
    const { code } = toBrokerError(thrown);
    // Both have a line already, or cannot have one.
    if (code !== 'ERR_NOT_APPROVED' && code !== 'ERR_AUDIT') {
      await audit.append({ event, outcome: event === 'deny' ? 'denied' : 'failed', code, ...line });
    }
    throw thrown;
  };

  /** One decision, on what is there now. */
  const attempt = async (
    request: LaunchRequest | EntryLaunchRequest,
    context: Context,
    launch: string,
  ): Promise<Answer> => {
    const server = request.server ?? ('entry' in request ? request.entry.name : undefined);
    let about: About = {
      launch,
      ...caller(context),
      ...(server === undefined ? {} : { server }),
      variables: [],
    };
    const { epoch } = keyring;
    const loading = grants.load();
    loading.catch(() => undefined);
    try {
      const order = await orderOf(broker, request, context);
      // What is decided while it changes gets no value.
      const { config } = order;
      const plan = readLaunch(order);
      if (plan.references.size === 0) return { ticket: await startAsItIs(broker, order, launch) };
      const { variables, facts } = await gather(broker, plan);
      about = { ...about, variables: facts.map(({ subject }) => subject) };
      const examined = await examine(broker, order, variables, context);
      const { launching, program } = examined;
      about = { ...about, fingerprint: launching.fingerprint, ...backendsOf(variables) };
      const texts = variables.map(({ text }) => text);
      const known = new Map(variables.map(({ text, subject }) => [subject, text]));
      const problem = await loading.then(() => undefined, toBrokerError);
      const failures = facts.flatMap(({ failure }) => failure ?? []);
      if (problem !== undefined && failures.length === 0) throw problem;
      // Locked since: nobody is to approve again what is approved.
      if (keyring.epoch !== epoch) throw lockedMeanwhile('the launch');
      const { granted, denied } = grants.look(launching, texts);
      const decision = decide({
        variables: facts.map((fact) => ({
          ...fact,
          granted: granted.has(known.get(fact.subject) ?? ''),
        })),
        ...(denied === undefined ? {} : { denied }),
      });
      if (decision.kind === 'deny') {
        // Locked is told in any case, and once.
        const isTold = problem === undefined || failures.some(({ code }) => code === problem.code);
        throw combineErrors([...decision.problems, ...(isTold ? [] : [problem])]);
      }
      if (decision.kind === 'ask') {
        const pending = approvals.request(
          pendingRequest(broker, order, examined, plan, variables, granted, context.peer.pid),
          isLaunched(context.peer, broker.platform, broker.launches) ? 'server' : undefined,
        );
        await audit.append({
          event: 'pending',
          outcome: 'denied',
          code: 'ERR_NOT_APPROVED',
          ...about,
          variables: decision.missing,
        });
        broker.notifier.pending(pending, approveCommand(broker, pending));
        return { pending };
      }
      const content = { launch, server, launching, plan, variables, config };
      const ticket = tickets.issue(context, content);
      const files = program.identities;
      return { ticket: { launch, ticket, files, ...foundBy(order, examined.searchPath) } };
    } catch (error) {
      if (error instanceof NotShown) {
        return { ticket: { launch, ticket: '', files: [], show: error.path } };
      }
      return refuse(about, error);
    }
  };

  return {
    async 'launch.request'(request, context) {
      const launch = randomId(8);
      const until = broker.clock.monotonic() + (request.waitMs ?? 0);
      for (;;) {
        const answer = await attempt(request, context, launch);
        if ('ticket' in answer) return { result: answer.ticket };
        const { pending } = answer;
        const left = until - broker.clock.monotonic();
        const error = notApproved(broker, pending);
        if (left <= 0 || waiting >= maxWaiting) throw error;
        context.connection.send('launch.pending', { id: pending.id, hint: error.hint ?? '' });
        waiting += 1;
        try {
          if (!(await settled(broker, pending, left, context.signal))) {
            throw keyring.unlocked ? error : lockedMeanwhile('the wait');
          }
        } finally {
          waiting -= 1;
        }
      }
    },

    async 'launch.take'({ ticket, replace }, context) {
      const launch = tickets.redeem(context, ticket);
      const about = { ...caller(context), ...(launch === undefined ? {} : lineOf(launch)) };
      const began = broker.clock.monotonic();
      const { epoch } = keyring;
      let reading = false;
      try {
        if (launch === undefined) throw invalidTicket();
        useGrant(broker, launch);
        const { withdrawals } = grants;
        reading = true;
        const values = await readValues(broker.resolver, launch.plan, launch.variables);
        reading = false;
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
          if (keyring.epoch !== epoch) throw lockedMeanwhile('the launch');
          // Likewise whoever revoked or refused. Which launch was meant is not known of a used-up grant.
          if (grants.withdrawals !== withdrawals) throw otherwiseMeanwhile();
        } catch (error) {
          for (const bytes of values.attachments) bytes.fill(0);
          throw error;
        }
        keyring.touch();
        broker.launches.add(context.peer);
        broker.running.taken(
          {
            ...runningLaunch(launch, context, broker.clock.now()),
            ...(replace === true ? { replaced: true } : {}),
          },
          context.connection,
        );
        return { result: { values: values.indexes }, attachments: values.attachments };
      } catch (error) {
        return refuse(about, error, reading ? 'resolve' : 'deny');
      }
    },
  };
}

/**
 * Uses up what was granted once, before anything is read: two tickets on one such grant give one launch.
 * Throws when what the ticket was issued on is no longer so.
 */
function useGrant({ grants, keyring, loaded }: Broker, launch: Launch): void {
  if (!keyring.unlocked) throw lockedMeanwhile('the launch');
  const texts = launch.variables.map(({ text }) => text);
  const { granted, denied } = grants.look(launch.launching, texts);
  const stands = denied === undefined && texts.every((text) => granted.has(text));
  if (!stands || loaded.digest !== launch.config) throw otherwiseMeanwhile();
  grants.use(launch.launching, texts);
}

function otherwiseMeanwhile(): BrokerError {
  return new BrokerError('ERR_DENIED', 'approval or configuration changed during the launch', {
    hint: 'start the server again',
    retryable: true,
  });
}

/** Waits until a person has dealt with the request; false when the time is over. */
async function settled(
  { approvals, clock }: Broker,
  { id }: PendingApproval,
  forMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (answer: boolean) => (): void => {
      cancel();
      stop();
      signal.removeEventListener('abort', gone);
      resolve(answer);
    };
    const gone = end(false);
    const cancel = clock.after(forMs, end(false));
    const stop = approvals.onSettled(id, end(true));
    if (signal.aborted) gone();
    else signal.addEventListener('abort', gone);
  });
}

function notApproved(broker: Broker, pending: PendingApproval): BrokerError {
  const { id, variables } = pending;
  const names = variables.map(({ name }) => name);
  const steered = [...new Set(variables.flatMap(({ steers }) => steers))];
  const which = names.join(', ');
  const why = steered.map((name) => `: ${name} steers a process`).join('');
  return new BrokerError('ERR_NOT_APPROVED', `this launch is not approved for ${which}${why}`, {
    hint: `in a terminal: ${approveCommand(broker, pending)}`,
    subject: id,
    retryable: true,
  });
}

/** What a person types. */
function approveCommand(broker: Broker, { id, variables }: PendingApproval): string {
  // Without names, those that steer nothing are approved: of the others each has to be named.
  const isPlain = variables.some(({ steers }) => steers.length === 0);
  const names = isPlain ? [] : variables.map(({ name }) => name);
  const isDefaultHome = broker.paths.home === defaultHome();
  return commandLine(broker.paths, isDefaultHome, ['approve', id, ...names].join(' '));
}

function runningLaunch(
  { launch, server, variables }: Launch,
  { client, peer: { pid, startTime } }: Context,
  since: number,
): RunningLaunch {
  return {
    launch,
    ...(server === undefined ? {} : { server }),
    variables: variables.map(({ subject }) => subject),
    since,
    ...(client === undefined ? {} : { client }),
    wrapper: { pid, startTime },
  };
}

function lineOf(launch: Launch): Omit<AuditEvent, 'event' | 'outcome'> {
  return {
    launch: launch.launch,
    fingerprint: launch.launching.fingerprint,
    variables: launch.variables.map((variable) => variable.subject),
    ...backendsOf(launch.variables),
    ...(launch.server === undefined ? {} : { server: launch.server }),
  };
}

/** What the wrapper has to know beyond what it asked with. */
function foundBy(
  { path, entry }: Order,
  searchPath: string | null,
): Pick<LaunchTicket, 'path' | 'entry'> {
  return {
    ...(searchPath === path || searchPath === null ? {} : { path: searchPath }),
    ...(entry === undefined ? {} : { entry }),
  };
}

/** An entry without references needs no decision: nothing of ours leaves. */
async function startAsItIs(
  { config }: Broker,
  order: Order,
  launch: string,
): Promise<LaunchTicket> {
  const { entry, command, path, cwd } = order;
  if (entry === undefined) throw noReference();
  const { searchPath } = await searching(path, config.settings.path, (candidate) =>
    // A relative path is found, or not, from the folder that the wrapper goes to.
    command.includes('/') ? command : findCommand(command, candidate, () => cwd ?? '/'),
  );
  return { launch, ticket: '', files: [], ...foundBy(order, searchPath) };
}

function noReference(): BrokerError {
  return new BrokerError('ERR_USAGE', 'the launch holds no reference', {
    hint: 'it needs no daemon: start the command as it is',
  });
}
