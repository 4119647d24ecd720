import { BrokerError } from '@mcp-broker/providers/errors';
import type { Clock } from '../clock.ts';
import type {
  GrantSummary,
  LaunchDescription,
  Lifetime,
  PendingApproval,
  RequestedVariable,
} from '../protocol/approvals.ts';
import { toolReference } from '../tools/tool-reference.ts';
import { keptLaunch } from './kept-launch.ts';

const onceForMs = 10 * 60 * 1000;
/** A client that probes a server starts it twice within seconds. */
const probingForMs = 10 * 1000;
const longestMs = 3650 * 24 * 60 * 60 * 1000;
/** What is over is kept so long, to tell how the next launch differs from it. */
const rememberedForMs = 30 * 24 * 60 * 60 * 1000;

/** What a grant is looked up by, all of it seen by the daemon itself. */
export interface Launching {
  readonly fingerprint: string;
  /** A real path. */
  readonly workingDirectory: string;
  readonly parent: { readonly pid: number; readonly startTime: string } | undefined;
}

/** What a person decided on a pending request. */
export interface GrantDecision {
  readonly outcome: 'allowed' | 'denied';
  readonly request: PendingApproval;
  /** Those of the request that are granted; a denial holds for the whole launch. */
  readonly variables: readonly RequestedVariable[];
  /** Without it: `always`, or as long as the request's limit. A denial for `once` is not remembered. */
  readonly lifetime?: Lifetime;
  /** A real path. */
  readonly workspace?: string;
}

/** One decision, as it lies in the file; `once` and `session` never do. */
export interface Grant extends GrantSummary {
  readonly references: readonly string[];
  /** As `keptLaunch` gives it. */
  readonly launch: LaunchDescription;
}

/** A decision in memory. */
export interface Held {
  readonly grant: Grant;
  readonly references: ReadonlySet<string>;
  readonly since: number;
  /** By both clocks, whichever comes first: one stands still in sleep, the other can be set. */
  readonly until: { readonly wall: number; readonly monotonic: number } | undefined;
  /** Of what was granted once and is used up: for whom it still counts. */
  readonly probing: Launching['parent'];
}

/** What a decision says, by now. Throws `ERR_USAGE` when it is to live longer than the request may. */
export function decidedGrant(decision: GrantDecision, id: string, now: number): Grant {
  const { outcome, request, variables, workspace } = decision;
  const { lifetime, ms } = lifetimeOf(decision);
  const names = variables.map(({ name }) => name);
  return {
    id,
    outcome,
    ...(request.server === undefined ? {} : { server: request.server }),
    argv: request.launch.argv,
    variables: outcome === 'denied' ? [...request.granted, ...names] : names,
    ...(request.tool === undefined ? {} : { backend: request.tool.backend }),
    fingerprint: request.fingerprint,
    lifetime,
    since: new Date(now).toISOString(),
    ...(ms === undefined ? {} : { until: new Date(now + ms).toISOString() }),
    ...(workspace === undefined ? {} : { workspace }),
    references:
      request.tool === undefined
        ? variables.map(({ reference }) => reference)
        : [toolReference(request.tool.backend)],
    launch: keptLaunch(request.launch),
  };
}

function lifetimeOf(decision: GrantDecision): { lifetime: GrantSummary['lifetime']; ms?: number } {
  const { outcome, request } = decision;
  // A refusal may last as long as it likes.
  const limit = outcome === 'denied' ? undefined : request.limit;
  const asked: Lifetime = decision.lifetime ?? limit?.ms ?? 'always';
  if (asked === 'once') return { lifetime: asked, ms: Math.min(onceForMs, limit?.ms ?? Infinity) };
  if (asked === 'session') {
    return limit === undefined ? { lifetime: asked } : { lifetime: asked, ms: limit.ms };
  }
  if (limit !== undefined && (asked === 'always' || asked > limit.ms)) {
    const most = shortDuration(limit.ms);
    throw new BrokerError(
      'ERR_USAGE',
      `this launch can be granted for ${most} at most: ${limit.reason}`,
      { hint: `mcp approve ${request.id} --for ${most}`, subject: request.id },
    );
  }
  if (asked === 'always') return { lifetime: asked };
  if (!Number.isSafeInteger(asked) || asked <= 0 || asked > longestMs) {
    throw new BrokerError('ERR_USAGE', 'a duration is more than nothing and at most 3650 days', {
      hint: `mcp approve ${request.id} --for always`,
      subject: request.id,
    });
  }
  return { lifetime: 'duration', ms: asked };
}

/** As it counts from now on: for a grant from the file, with what is left of it by the wall clock. */
export function hold(grant: Grant, clock: Clock): Held {
  const since = Date.parse(grant.since);
  const wall = grant.until === undefined ? undefined : Date.parse(grant.until);
  return {
    grant,
    references: new Set(grant.references),
    since,
    until:
      wall === undefined
        ? undefined
        : { wall, monotonic: clock.monotonic() + wall - Math.max(since, clock.now()) },
    probing: undefined,
  };
}

/** What is left of a grant for one launch that this launch has used up; nothing without a parent. */
export function useOnce(held: Held, { parent }: Launching, clock: Clock): Held | undefined {
  if (parent === undefined) return undefined;
  const wall = clock.now() + probingForMs;
  return {
    ...held,
    grant: { ...held.grant, until: new Date(wall).toISOString() },
    until: { wall, monotonic: clock.monotonic() + probingForMs },
    probing: parent,
  };
}

export function isDurable({ grant }: Held): boolean {
  return grant.lifetime === 'always' || grant.lifetime === 'duration';
}

export function isOver({ until }: Held, clock: Clock): boolean {
  return until !== undefined && (until.wall <= clock.now() || until.monotonic <= clock.monotonic());
}

/** Over, and no longer of use for a comparison either. */
export function isForgotten(held: Held, clock: Clock): boolean {
  if (!isOver(held, clock)) return false;
  const age = clock.now() - (held.until?.wall ?? 0);
  return held.grant.outcome === 'denied' || age > rememberedForMs;
}

/** It counts for this launch, at this moment. */
export function counts(held: Held, launching: Launching, clock: Clock): boolean {
  const { grant, probing, since } = held;
  if (isOver(held, clock)) return false;
  if (grant.outcome === 'denied') return true;
  // A clock that was set back would make it last longer.
  if (clock.now() < since) return false;
  if (grant.workspace !== undefined && !isWithin(launching.workingDirectory, grant.workspace)) {
    return false;
  }
  return (
    probing === undefined ||
    (launching.parent?.pid === probing.pid && launching.parent.startTime === probing.startTime)
  );
}

/** That folder or one below it; both are real paths. */
export function isWithin(folder: string, workspace: string): boolean {
  const base = workspace.endsWith('/') ? workspace : `${workspace}/`;
  return folder === workspace || folder.startsWith(base);
}

export function summaryOf({ grant }: Held): GrantSummary {
  const { references: _references, launch: _launch, ...summary } = grant;
  return summary;
}

/**
 * What a new grant becomes beside one that is there for the same fingerprint. `replaced`: the new one says
 * all that the old one does. `merged`: neither ends by a clock, so that joining them makes neither longer.
 */
export function relation(next: Grant, old: Grant): 'replaced' | 'merged' | 'apart' {
  const isAlike =
    next.outcome === old.outcome &&
    next.lifetime === old.lifetime &&
    next.workspace === old.workspace;
  if (!isAlike) return 'apart';
  if (next.outcome === 'denied') return 'replaced';
  if (old.references.every((reference) => next.references.includes(reference))) return 'replaced';
  return next.until === undefined && old.until === undefined ? 'merged' : 'apart';
}

/** The new grant, and what the old one had besides. */
export function merge(next: Grant, old: Grant): Grant {
  return {
    ...next,
    variables: [...new Set([...old.variables, ...next.variables])],
    references: [...new Set([...old.references, ...next.references])],
  };
}

function shortDuration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds % 3600 === 0) return `${seconds / 3600}h`;
  return seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`;
}
