import { randomInt, timingSafeEqual } from 'node:crypto';
import { BrokerError } from '@mcp-broker/providers/errors';
import type { Clock } from '../clock.ts';
import type { PendingApproval } from '../protocol/messages.ts';

/** Without the letters and digits that look alike. */
const alphabet = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ';
const maxPending = 64;
const pendingForMs = 60 * 60 * 1000;
const codeForMs = 10 * 60 * 1000;

/** Requests that wait for a person, and what a person granted. Both are gone when the daemon stops. */
export interface Approvals {
  /** The grant of this fingerprint covers all of these references. */
  covers(fingerprint: string, references: readonly string[]): boolean;
  /**
   * Keeps a request, or finds the one that is there for the same fingerprint. Throws `ERR_DENIED` when
   * too many wait: one that a person may be looking at never makes room for another.
   */
  request(request: Omit<PendingApproval, 'id' | 'requested'>): PendingApproval;
  readonly pending: readonly PendingApproval[];
  readonly grants: number;
  /** By its id alone: a name would be what the caller says of itself. Throws `ERR_NOT_FOUND`. */
  find(id: string): PendingApproval;
  /** A code to be typed once on the connection that showed the request. */
  issueCode(request: PendingApproval, connection: number): string;
  /** Right or wrong, the code is spent. Throws `ERR_PRESENCE`. */
  checkCode(request: PendingApproval, connection: number, code: string): void;
  grant(request: PendingApproval): void;
  /** Takes all grants back. */
  revokeAll(): void;
}

export function createApprovals(clock: Clock): Approvals {
  const pending = new Map<string, { request: PendingApproval; until: number }>();
  const grants = new Map<string, ReadonlySet<string>>();
  const codes = new Map<string, { code: string; connection: number; until: number }>();

  const current = (): PendingApproval[] => {
    const now = clock.monotonic();
    for (const [id, entry] of pending) {
      if (entry.until < now) pending.delete(id);
    }
    for (const [id, entry] of codes) {
      if (entry.until < now) codes.delete(id);
    }
    return [...pending.values()].map((entry) => entry.request);
  };

  return {
    covers(fingerprint, references) {
      const granted = grants.get(fingerprint);
      return granted !== undefined && references.every((reference) => granted.has(reference));
    },
    request(request) {
      const waiting = current();
      const until = clock.monotonic() + pendingForMs;
      const same = waiting.find((other) => other.fingerprint === request.fingerprint);
      if (same !== undefined) {
        pending.set(same.id, { request: same, until });
        return same;
      }
      if (waiting.length >= maxPending) {
        throw new BrokerError('ERR_DENIED', `${maxPending} requests wait for approval already`, {
          hint: 'mcp approve shows them; each goes after an hour',
        });
      }
      let id = randomCode();
      while (pending.has(id)) id = randomCode();
      const kept = { ...request, id, requested: new Date(clock.now()).toISOString() };
      pending.set(id, { request: kept, until });
      return kept;
    },
    get pending() {
      return current();
    },
    get grants() {
      return grants.size;
    },
    find(id) {
      const found = current().find((request) => request.id === id.toUpperCase());
      if (found !== undefined) return found;
      throw new BrokerError('ERR_NOT_FOUND', `no pending request ${id}`, {
        hint: 'start the server again, and approve the id that it prints',
        subject: id,
      });
    },
    issueCode(request, connection) {
      const code = randomCode();
      codes.set(request.fingerprint, { code, connection, until: clock.monotonic() + codeForMs });
      return code;
    },
    checkCode(request, connection, typed) {
      const issued = codes.get(request.fingerprint);
      codes.delete(request.fingerprint);
      const expected = Buffer.from(issued?.code ?? '    ');
      const given = Buffer.from(typed.trim().toUpperCase());
      const equal = given.length === expected.length && timingSafeEqual(given, expected);
      if (!equal || issued?.connection !== connection || issued.until < clock.monotonic()) {
        throw new BrokerError(
          'ERR_PRESENCE',
          `the code of request ${request.id} was not typed right`,
          {
            hint: `mcp approve ${request.id}`,
            subject: request.id,
          },
        );
      }
    },
    grant(request) {
      pending.delete(request.id);
      const already = grants.get(request.fingerprint) ?? [];
      grants.set(
        request.fingerprint,
        new Set([...already, ...request.variables.map((variable) => variable.reference)]),
      );
    },
    revokeAll() {
      grants.clear();
    },
  };
}

function randomCode(): string {
  return Array.from({ length: 4 }, () => alphabet[randomInt(alphabet.length)]).join('');
}
