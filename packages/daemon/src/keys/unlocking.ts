import { toBrokerError } from '@mcp-broker/providers/errors';
import type { AuditEvent, AuditLog } from '../audit/event.ts';
import type { AuditKeys } from '../audit/keys.ts';
import type { Keyring, KeySource } from './keyring.ts';

/** What an unlock changes. */
export interface Unlocked {
  readonly keyring: Keyring;
  readonly audit: AuditLog;
  readonly auditKeys: AuditKeys;
}

/** Who asked, for the audit. */
export type Asker = Pick<AuditEvent, 'pid' | 'uid' | 'claims'>;

/** An unlock that cannot be written down is taken back. */
export async function unlocking(
  { keyring, audit, auditKeys }: Unlocked,
  about: Asker & { readonly backend: KeySource },
  unlock: () => Promise<void>,
): Promise<void> {
  const isOpen = (): boolean =>
    about.backend === 'keychain' ? keyring.unlocked : keyring.isSealedOpen;
  const wasOpen = isOpen();
  const hadKeys = keyring.unlocked;
  const line = { event: 'unlock', ...about } as const;
  try {
    await unlock();
  } catch (error) {
    await audit.append({ ...line, outcome: 'failed', code: toBrokerError(error).code });
    throw error;
  }
  if (wasOpen) return;
  if (!hadKeys) await auditKeys.attach();
  try {
    await audit.append({ ...line, outcome: 'allowed' });
  } catch (error) {
    keyring.lock();
    audit.useKey(undefined);
    throw error;
  }
  void auditKeys.keep();
}
