import { BrokerError } from '@mcp-broker/providers';
import { caller, type Broker } from '../broker.ts';
import type { Context, Handlers } from '../listener/handler.ts';
import { requirePresence } from '../policy/presence.ts';
import type { PendingApproval } from '../protocol/messages.ts';

/** The door that only a person passes: see a request, then grant it. */
export function approvalHandlers(
  broker: Broker,
): Pick<Handlers, 'approval.list' | 'approval.open' | 'approval.grant'> {
  const { approvals, platform, launches, audit } = broker;

  const provePresence = async (
    request: PendingApproval,
    code: string | undefined,
    context: Context,
  ): Promise<void> => {
    requirePresence(context.peer, platform, launches, code === undefined ? 'not needed' : 'needed');
    if (code !== undefined) {
      requireTerminalAllowed(broker);
      approvals.checkCode(request, context.connection.id, code);
      return;
    }
    const [passphrase] = context.attachments;
    if (passphrase === undefined) {
      throw new BrokerError('ERR_PRESENCE', 'the code or the passphrase is missing', {
        hint: `mcp approve ${request.id}`,
      });
    }
    await broker.keyring.checkPassphrase(passphrase);
  };

  return {
    async 'approval.list'() {
      return { result: { pending: approvals.pending } };
    },

    async 'approval.open'({ id }, context) {
      requirePresence(context.peer, platform, launches, 'needed');
      requireTerminalAllowed(broker);
      const request = approvals.find(id);
      return { result: { request, code: approvals.issueCode(request, context.connection.id) } };
    },

    async 'approval.grant'({ id, code }, context) {
      const request = approvals.find(id);
      const line = {
        event: 'approve',
        ...(request.server === undefined ? {} : { server: request.server }),
        variables: request.variables.map((variable) => variable.name),
        fingerprint: request.fingerprint,
        ...caller(context),
      } as const;
      try {
        await provePresence(request, code, context);
      } catch (error) {
        const failure = error instanceof BrokerError ? error.code : 'ERR_INTERNAL';
        await audit.append({ ...line, outcome: 'denied', code: failure });
        throw error;
      }
      await audit.append({ ...line, outcome: 'allowed' });
      approvals.grant(request);
      return { result: { request, until: 'daemon stops' } };
    },
  };
}

function requireTerminalAllowed(broker: Broker): void {
  if (broker.config.settings.presence !== 'passphrase') return;
  throw new BrokerError('ERR_PRESENCE', 'settings.presence asks for the passphrase', {
    hint: 'mcp approve ID --fd N, with the passphrase of the sealed file on descriptor N',
  });
}
