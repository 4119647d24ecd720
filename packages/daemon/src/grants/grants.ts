import { type BrokerError, toBrokerError } from '@mcp-broker/providers/errors';
import type { Clock } from '../clock.ts';
import type { Keyring } from '../keys/keyring.ts';
import type { OwnItems } from '../keys/own-items.ts';
import type { Paths } from '../paths.ts';
import type { GrantSummary, LaunchDescription } from '../protocol/approvals.ts';
import {
  counts,
  decidedGrant,
  hold,
  isDurable,
  isOver,
  merge,
  relation,
  summaryOf,
  useOnce,
  type GrantDecision,
  type Held,
  type Launching,
} from './grant.ts';
import { inMemoryAlone, noGrant, tooMany, type Named } from './grant-errors.ts';
import { createGrantsFile, type Refusal } from './grants-file.ts';
import { createHeldGrants, type HeldGrants } from './held-grants.ts';
import { mostSimilar } from './similar.ts';

export type { GrantDecision, Launching } from './grant.ts';

/** Remembered decisions. Those that outlive a lock lie in the grants file (docs/grants.md). */
export interface Grants {
  /**
   * Reads the file, once after each unlock. Without a file it opens nothing else. Rejects with
   * `ERR_LOCKED` alone: a file that is not as it was written grants nothing, and is a `problem`.
   */
  load(): Promise<void>;
  /** The references that may be had, and the refusal that stands against all of them. */
  look(
    launching: Launching,
    references: readonly string[],
  ): { readonly granted: ReadonlySet<string>; readonly denied?: GrantSummary };
  /**
   * Values go out. What was granted once is used up; for ten seconds others of the same fingerprint and
   * the same parent process may still have it, since clients start a server to probe it.
   */
  use(launching: Launching, references: readonly string[]): void;
  /**
   * Remembers a decision; one that outlives a lock is on the disk before it resolves. Throws `ERR_USAGE`
   * when it is to live longer than the request may, `ERR_LOCKED`, and what the disk says: then nothing
   * has changed.
   */
  add(decision: GrantDecision): Promise<GrantSummary>;
  /**
   * Forgets what is named. Throws `ERR_NOT_FOUND` when there is none. It holds in memory even when the
   * file cannot be written, which throws.
   */
  revoke(which: Named): Promise<readonly GrantSummary[]>;
  /** The launch, of those that were ever granted and not taken back, that is most like this one. */
  similar(request: {
    readonly launch: LaunchDescription;
    readonly fingerprint: string;
    readonly server?: string;
  }): LaunchDescription | undefined;
  /** Goes up when something that was granted may be had no more: what is under way then gives nothing out. */
  readonly withdrawals: number;
  /** What counts now, oldest first. */
  readonly list: readonly GrantSummary[];
  /** Why the file that was there grants nothing, until the next durable grant begins a new one. */
  readonly problem: BrokerError | undefined;
  /** Forgets all in memory. What is on the disk counts again after the next unlock. */
  lock(): void;
}

export interface GrantsOptions {
  readonly paths: Pick<Paths, 'home' | 'state' | 'grants'>;
  readonly clock: Clock;
  readonly keyring: Pick<Keyring, 'unlocked' | 'epoch' | 'derive' | 'closed'>;
  readonly own: OwnItems;
  /** For the audit: a file was found that is not as it was written, and set aside. */
  readonly onRefused: (refusal: Refusal, problem: BrokerError) => void;
}

/** So many that the file and each look stay small. */
const most = { allowed: 20_000, denied: 1000 };

export function createGrants(options: GrantsOptions): Grants {
  const { clock, keyring } = options;
  const file = createGrantsFile(options);
  const held = createHeldGrants(clock);
  /** Of the keyring when this was read: after a lock nothing of it counts. */
  let epoch = keyring.epoch;
  let loading: Promise<void> | undefined;
  let problem: BrokerError | undefined;
  let withdrawals = 0;
  /** The file is there and could not be judged: nothing may take its place. */
  let isBlocked = false;

  const lock = (): void => {
    held.clear();
    loading = undefined;
    ({ epoch } = keyring);
  };
  /** Whoever locks the keyring need not think of the grants. */
  const current = (): HeldGrants => {
    if (keyring.epoch !== epoch) lock();
    return held;
  };

  // Reading and writing one at a time: between a file and its generation there is a moment.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(action: () => Promise<T>): Promise<T> => {
    const result = last.then(action);
    last = result.catch(() => undefined);
    return result;
  };

  const read = async (): Promise<void> => {
    const began = keyring.epoch;
    const reading = await file.read();
    if (keyring.epoch !== began) throw keyring.closed();
    if (isBlocked) problem = undefined;
    isBlocked = false;
    if ('grants' in reading) {
      for (const grant of reading.grants) held.put(hold(grant, clock));
      return;
    }
    ({ problem } = reading);
    if ('refusal' in reading) {
      options.onRefused(reading.refusal, reading.problem);
    } else {
      // The next launch tries again.
      isBlocked = true;
      loading = undefined;
    }
  };

  const load = (): Promise<void> => {
    current();
    if (!keyring.unlocked) return Promise.reject(keyring.closed());
    loading ??= inTurn(read);
    return loading;
  };

  /** After the load, and with nothing between that and the action but other turns. */
  const afterLoad = async <T>(action: () => Promise<T>): Promise<T> => {
    await load();
    const began = keyring.epoch;
    return inTurn(() => {
      if (keyring.epoch !== began) throw keyring.closed();
      return action();
    });
  };

  const write = async (
    durable: readonly Held[],
    failure: 'back to the old' | 'keep the new',
  ): Promise<void> => {
    if (isBlocked && problem !== undefined) throw problem;
    await file.write(
      durable.map(({ grant }) => grant),
      failure,
    );
    problem = undefined;
  };

  return {
    load,
    lock,
    look(launching, references) {
      const granted = new Set<string>();
      for (const one of current().of(launching.fingerprint)) {
        if (!counts(one, launching, clock)) continue;
        // It may be used up by this launch: for whom it then still counts is seen now.
        if (one.grant.lifetime === 'once') void launching.parent;
        if (one.grant.outcome === 'denied') return { granted: new Set(), denied: summaryOf(one) };
        for (const reference of references) {
          if (one.references.has(reference)) granted.add(reference);
        }
      }
      return { granted };
    },
    use(launching, references) {
      for (const one of current().of(launching.fingerprint)) {
        const isUsed =
          one.grant.lifetime === 'once' &&
          one.probing === undefined &&
          counts(one, launching, clock) &&
          references.some((reference) => one.references.has(reference));
        if (!isUsed) continue;
        held.delete(one);
        const rest = useOnce(one, launching, clock);
        if (rest !== undefined) held.put(rest);
      }
    },
    add: (decision) =>
      afterLoad(async () => {
        const began = keyring.epoch;
        held.forget();
        let grant = decidedGrant(decision, held.unusedId(), clock.now());
        // That the request is gone is all there is to it.
        if (grant.outcome === 'denied' && decision.lifetime === 'once')
          return summaryOf(hold(grant, clock));
        const old: Held[] = [];
        for (const one of held.of(grant.fingerprint)) {
          // What is used up stays for those that probe.
          if (one.probing !== undefined && !isOver(one, clock)) continue;
          const beside = relation(grant, one.grant);
          if (beside === 'apart') continue;
          grant = { ...(beside === 'merged' ? merge(grant, one.grant) : grant), id: one.grant.id };
          old.push(one);
        }
        if (old.length === 0 && held.count(grant.outcome) >= most[grant.outcome]) throw tooMany();
        const next = hold(grant, clock);
        if (isDurable(next)) {
          const others = held.all().filter((one) => isDurable(one) && !old.includes(one));
          await write([...others, next], 'back to the old');
        }
        // Locked meanwhile: it lies on the disk, or is over like every session.
        if (keyring.epoch === began) {
          for (const one of old) held.delete(one);
          held.put(next);
          if (grant.outcome === 'denied') withdrawals += 1;
        }
        return summaryOf(next);
      }),
    revoke: (which) =>
      afterLoad(async () => {
        const chosen = held.all().filter(({ grant }) => isMeant(grant, which));
        const gone = chosen.filter((one) => !isOver(one, clock));
        if (gone.length === 0) throw noGrant(which);
        for (const one of chosen) held.delete(one);
        withdrawals += 1;
        if (chosen.some(isDurable)) {
          await write(held.all().filter(isDurable), 'keep the new').catch((error: unknown) => {
            throw inMemoryAlone(toBrokerError(error));
          });
        }
        return gone.map(summaryOf);
      }),
    similar(request) {
      const known = current().all();
      return mostSimilar(
        known.filter(({ grant }) => grant.outcome === 'allowed').map(({ grant }) => grant),
        request,
      );
    },
    get list() {
      return current()
        .all()
        .filter((one) => !isOver(one, clock))
        .map(summaryOf);
    },
    get withdrawals() {
      return withdrawals;
    },
    get problem() {
      return problem;
    },
  };
}

function isMeant({ id, server }: GrantSummary, which: Named): boolean {
  if (which.id !== undefined) return id === which.id.toUpperCase();
  return which.server === undefined ? which.all === true : server === which.server;
}
