import { toBrokerError } from '@mcp-broker/providers/errors';
import type { AuditEvent } from './audit/event.ts';
import type { Broker } from './broker.ts';

/** An unlock that cannot be written down is taken back. */
export async function unlocking(
  { keyring, audit, auditKeys }: Pick<Broker, 'keyring' | 'audit' | 'auditKeys'>,
  about: Pick<AuditEvent, 'backend' | 'pid' | 'uid' | 'claims'>,
  unlock: () => Promise<void>,
): Promise<void> {
  const wasUnlocked = keyring.unlocked;
  const line = { event: 'unlock', ...about } as const;
  try {
    await unlock();
  } catch (error) {
    await audit.append({ ...line, outcome: 'failed', code: toBrokerError(error).code });
    throw error;
  }
  if (wasUnlocked) return;
  await auditKeys.attach();
  try {
    await audit.append({ ...line, outcome: 'allowed' });
  } catch (error) {
    keyring.lock();
    audit.useKey(undefined);
    throw error;
  }
  void auditKeys.keep();
}
