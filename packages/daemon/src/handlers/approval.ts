import { BrokerError, toBrokerError } from '@mcp-broker/providers';
import { caller, type Broker } from '../broker.ts';
import type { Context, Handlers } from '../listener/handler.ts';
import { requirePresence } from '../policy/presence.ts';
import type { PendingApproval } from '../protocol/messages.ts';

/** The door that only a person passes: see a request, then grant it. */
export function approvalHandlers(
  broker: Broker,
): Pick<Handlers, 'approval.list' | 'approval.open' | 'approval.grant'> {
  const { approvals, platform, launches, audit } = broker;

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

    async 'approval.grant'({ id, fingerprint, code }, context) {
      const request = approvals.find(id);
      if (request.fingerprint !== fingerprint) throw notTheOneShown(id);
      const line = {
        event: 'approve',
        ...(request.server === undefined ? {} : { server: request.server }),
        variables: request.variables.map((variable) => variable.name),
        fingerprint,
        ...caller(context),
      } as const;
      try {
        await provePresence(broker, request, code, context);
      } catch (error) {
        await audit.append({ ...line, outcome: 'denied', code: toBrokerError(error).code });
        throw error;
      }
      await audit.append({ ...line, outcome: 'allowed' });
      approvals.grant(request);
      return { result: { request, until: 'daemon stops' } };
    },
  };
}

async function provePresence(
  broker: Broker,
  request: PendingApproval,
  code: string | undefined,
  context: Context,
): Promise<void> {
  const { approvals, keyring, launches, platform } = broker;
  const [passphrase] = context.attachments;
  requirePresence(context.peer, platform, launches, code === undefined ? 'not needed' : 'needed');
  if (code !== undefined) {
    requireTerminalAllowed(broker);
    approvals.checkCode(request, context.connection.id, code);
  } else if (passphrase === undefined) {
    throw new BrokerError('ERR_PRESENCE', 'the code or the passphrase is missing', {
      hint: `mcp approve ${request.id}`,
    });
  } else if (keyring.hasIdentityFile) {
    throw new BrokerError('ERR_PRESENCE', 'this home has an identity file and no passphrase', {
      hint: `in a terminal: mcp approve ${request.id}`,
    });
  } else {
    await keyring.checkPassphrase(passphrase);
  }
}

function notTheOneShown(id: string): BrokerError {
  return new BrokerError('ERR_NOT_FOUND', `request ${id} is not the one that was shown`, {
    hint: `mcp approve ${id}`,
    subject: id,
  });
}

function requireTerminalAllowed(broker: Broker): void {
  if (broker.presence.mode !== 'passphrase') return;
  throw new BrokerError('ERR_PRESENCE', 'settings.presence asks for the passphrase', {
    hint: 'mcp approve ID --fd N, with the passphrase of the sealed file on descriptor N',
  });
}
