import { basename } from 'node:path';
import { BrokerError, toBrokerError } from '@mcp-broker/providers/errors';
import type { Clock } from '../clock.ts';
import type { Keyring } from '../keys/keyring.ts';
import type { Vault } from '../memory.ts';
import type { OwnItems } from '../keys/own-items.ts';
import type { Paths } from '../paths.ts';
import type { Vouched } from './chain.ts';
import type { AuditLog } from './event.ts';
import type { Head } from './link.ts';

const label = 'audit/v1';
/** A line is kept apart at the latest so long after it was written. */
const keepEveryMs = 60_000;
const keepSoonMs = 2000;

/**
 * Gives the log its key while the home is unlocked, and keeps the number and hash of its newest line
 * with the broker's own items: a log that is cut back together with its head is known by that.
 */
export interface AuditKeys {
  /** The home was unlocked: from now on lines have MACs. Before the line that says so. */
  attach(): Promise<void>;
  /** Keeps the newest line with a MAC; never throws. Goes on with it while the home is unlocked. */
  keep(): Promise<void>;
  /** The same in a moment: whoever started the daemon waits for its first launch. */
  keepSoon(): void;
  /** What is kept. Throws `ERR_LOCKED`. */
  kept(): Promise<Vouched | undefined>;
}

export interface AuditKeysOptions {
  readonly audit: AuditLog;
  readonly keyring: Keyring;
  readonly vault: Vault;
  readonly own: OwnItems;
  readonly clock: Clock;
  readonly paths: Pick<Paths, 'home' | 'state'>;
  readonly report: (line: string) => void;
}

export function createAuditKeys(options: AuditKeysOptions): AuditKeys {
  const { audit, keyring, vault, own, clock, report } = options;
  const { home, state } = options.paths;
  const item = state === home ? 'audit' : `audit_${basename(state)}`;
  let keptSeq = 0;
  let cancel = (): void => {};

  const keys: AuditKeys = {
    async attach() {
      const { epoch } = keyring;
      let head: Head | undefined;
      try {
        head = await keys.kept();
      } catch (error) {
        report(`audit: its newest line is not to be had from ${own.where}: ${messageOf(error)}`);
      }
      // Locked meanwhile.
      if (keyring.epoch !== epoch || !keyring.unlocked) return;
      const bytes = keyring.derive(label);
      try {
        audit.useKey(vault.store(bytes), head);
      } finally {
        bytes.fill(0);
      }
    },
    async keep() {
      cancel();
      if (!keyring.unlocked) return;
      try {
        const head = audit.checkpoint();
        if (head !== undefined && head.seq !== keptSeq) {
          await own.put(item, Buffer.from(JSON.stringify(head)));
          keptSeq = head.seq;
        }
      } catch (error) {
        report(`audit: its newest line is not kept in ${own.where}: ${messageOf(error)}`);
      }
      cancel();
      if (keyring.unlocked) cancel = clock.after(keepEveryMs, () => void keys.keep());
    },
    keepSoon() {
      cancel();
      cancel = clock.after(keepSoonMs, () => void keys.keep());
    },
    async kept() {
      const bytes = await own.get(item);
      return bytes && { ...parse(bytes, own.where), by: own.where };
    },
  };
  return keys;
}

function parse(bytes: Buffer, where: string): Head {
  try {
    const { seq, hash } = JSON.parse(bytes.toString()) as Partial<Head>;
    if (Number.isSafeInteger(seq) && typeof hash === 'string' && /^[0-9a-f]{64}$/.test(hash)) {
      return { seq: Number(seq), hash };
    }
  } catch {
    // As any other content that is not ours.
  }
  const message = `what ${where} keeps of the audit log is not in its format`;
  throw new BrokerError('ERR_CORRUPT', message, { hint: `restore ${where} from a backup` });
}

function messageOf(error: unknown): string {
  return toBrokerError(error).message;
}
