import { BrokerError } from '@mcp-broker/providers/errors';
import { failure } from '../audit/failure.ts';
import { verifyLog } from '../audit/verify.ts';
import { lockedMeanwhile, type Broker } from '../broker.ts';
import type { Handlers } from '../listener/handler.ts';
import type { AuditVerdict } from '../protocol/messages.ts';

/** The audit log: its newest lines, and whether it is whole. */
export function auditHandlers(broker: Broker): Pick<Handlers, 'audit.tail' | 'audit.verify'> {
  /** However many ask, the log is read once at a time. */
  let running: Promise<AuditVerdict> | undefined;

  return {
    async 'audit.tail'({ lines, follow }, context) {
      if (follow === true) {
        const stop = broker.audit.follow((line) => {
          context.connection.send('audit.line', { line });
        });
        context.connection.onClose(stop);
      }
      return { result: { lines: await broker.audit.tail(lines) } };
    },

    async 'audit.verify'() {
      running ??= verify(broker).finally(() => {
        running = undefined;
      });
      return { result: await running };
    },
  };
}

async function verify({ audit, auditKeys, keyring, paths }: Broker): Promise<AuditVerdict> {
  const { epoch, unlocked } = keyring;
  const kept = unlocked ? await auditKeys.kept() : undefined;
  const bytes = unlocked ? keyring.derive('audit/v1') : undefined;
  const key = bytes && { use: <T>(action: (lent: Uint8Array) => T): T => action(bytes), wipe() {} };
  try {
    return await verifyLog({
      folder: paths.audit,
      state: () => audit.known,
      key,
      vouched: kept === undefined ? [] : [kept],
      proceed() {
        if (keyring.epoch !== epoch) throw lockedMeanwhile('the check');
      },
    });
  } catch (error) {
    throw error instanceof BrokerError ? error : failure(paths.audit, 'read', error);
  } finally {
    bytes?.fill(0);
  }
}
