import { BrokerError } from '@mcp-broker/providers/errors';
import { deadline, isOver, type Clock, type Deadline } from '../clock.ts';
import type { PendingApproval, RequestedVariable } from '../protocol/approvals.ts';
import { unusedCode } from '../policy/codes.ts';

const maxPending = 64;
/** Of them, of servers that were launched here: they take no place that a person's own client needs. */
const maxOfServers = 16;
const pendingForMs = 60 * 60 * 1000;

/** Requests that wait for a person, in the order in which they came. They are gone when the daemon stops. */
export interface Approvals {
  /**
   * Keeps a request for an hour. For a fingerprint that waits already it is that request, with the
   * variables of now, and for another hour. Throws `ERR_DENIED` when too many wait: one that a person
   * may be looking at never makes room for another.
   */
  request(
    request: Omit<PendingApproval, 'id' | 'requested' | 'expires'>,
    by?: 'server',
  ): PendingApproval;
  readonly pending: readonly PendingApproval[];
  /** By its id alone: a name would be what the caller says of itself. Throws `ERR_NOT_FOUND`. */
  find(id: string): PendingApproval;
  /** A person has decided. What is left of it waits on; without any it is gone. */
  settle(id: string, left: readonly RequestedVariable[]): void;
  /** What it asks for has been decided along with another request. */
  settleFingerprint(fingerprint: string): void;
  /**
   * Calls once, in a later turn, when the request is gone: granted, denied or too old; also when it was
   * gone before. Gives the removal of the listener.
   */
  onSettled(id: string, listener: () => void): () => void;
}

interface Waiting {
  readonly by: 'server' | undefined;
  request: PendingApproval;
  until: Deadline;
  cancel: () => void;
  readonly listeners: Set<() => void>;
}

export function createApprovals(clock: Clock): Approvals {
  const waiting = new Map<string, Waiting>();
  const byFingerprint = new Map<string, Waiting>();

  const drop = (entry: Waiting): void => {
    entry.cancel();
    waiting.delete(entry.request.id);
    byFingerprint.delete(entry.request.fingerprint);
    for (const listener of entry.listeners) queueMicrotask(listener);
    entry.listeners.clear();
  };

  const dropOld = (): void => {
    for (const entry of waiting.values()) if (isOver(entry.until, clock)) drop(entry);
  };

  /** From now on for another hour. */
  const keep = (entry: Waiting, request: Omit<PendingApproval, 'expires'>): PendingApproval => {
    entry.cancel();
    entry.until = deadline(clock, pendingForMs);
    entry.cancel = clock.after(pendingForMs, () => {
      drop(entry);
    });
    entry.request = { ...request, expires: new Date(entry.until.wall).toISOString() };
    return entry.request;
  };

  return {
    request(request, by) {
      dropOld();
      const { fingerprint, variables, granted, tools } = request;
      const same = byFingerprint.get(fingerprint);
      if (same !== undefined) {
        const { tools: _before, ...rest } = same.request;
        const now = tools === undefined ? {} : { tools };
        return keep(same, { ...rest, variables, granted, ...now });
      }
      const ofServers = [...waiting.values()].filter((entry) => entry.by === 'server').length;
      if (waiting.size >= maxPending || (by === 'server' && ofServers >= maxOfServers)) {
        throw new BrokerError('ERR_DENIED', `${waiting.size} requests wait for approval already`, {
          hint: 'mcp approvals list; each goes after an hour',
        });
      }
      const id = unusedCode((code) => waiting.has(code));
      const requested = new Date(clock.now()).toISOString();
      const entry: Waiting = {
        by,
        request: { ...request, id, requested, expires: requested },
        until: deadline(clock, pendingForMs),
        cancel: () => undefined,
        listeners: new Set(),
      };
      waiting.set(id, entry);
      byFingerprint.set(fingerprint, entry);
      return keep(entry, entry.request);
    },
    get pending() {
      dropOld();
      return [...waiting.values()].map((entry) => entry.request);
    },
    find(id) {
      dropOld();
      const found = waiting.get(id.toUpperCase());
      if (found !== undefined) return found.request;
      throw new BrokerError('ERR_NOT_FOUND', `no pending request ${id}`, {
        hint: 'start the server again, and approve the id that it prints',
        subject: id,
      });
    },
    settle(id, left) {
      const entry = waiting.get(id.toUpperCase());
      if (entry === undefined) return;
      if (left.length === 0) {
        drop(entry);
        return;
      }
      const { request } = entry;
      const decided = request.variables.filter(
        ({ reference }) => !left.some((one) => one.reference === reference),
      );
      const granted = [...request.granted, ...decided.map(({ name }) => name)];
      // What backends run is granted with the first of the variables.
      const { tools: _granted, ...rest } = request;
      entry.request = { ...rest, variables: left, granted };
    },
    settleFingerprint(fingerprint) {
      const entry = byFingerprint.get(fingerprint);
      if (entry !== undefined) drop(entry);
    },
    onSettled(id, listener) {
      dropOld();
      const entry = waiting.get(id.toUpperCase());
      let isWanted = true;
      const once = (): void => {
        if (isWanted) listener();
      };
      if (entry === undefined) queueMicrotask(once);
      else entry.listeners.add(once);
      return () => {
        isWanted = false;
        entry?.listeners.delete(once);
      };
    },
  };
}
