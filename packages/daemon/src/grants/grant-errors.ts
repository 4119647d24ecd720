import { BrokerError } from '@mcp-broker/providers/errors';

/** Which grants: by id, by what the caller called the server, or all. */
export interface Named {
  readonly id?: string;
  readonly server?: string;
  readonly all?: boolean;
}

export function noGrant({ id, server }: Named): BrokerError {
  const named = id ?? (server === undefined ? '' : `for ${server}`);
  return new BrokerError('ERR_NOT_FOUND', `no grant ${named}`.trimEnd(), {
    hint: 'mcp approvals list',
    subject: id ?? server,
  });
}

export function tooMany(): BrokerError {
  return new BrokerError('ERR_DENIED', 'too many decisions are remembered already', {
    hint: 'mcp approvals list, then mcp approvals revoke ID',
  });
}

export function inMemoryAlone(error: BrokerError): BrokerError {
  return new BrokerError(error.code, `revoked until the next unlock alone: ${error.message}`, {
    hint: error.hint,
    subject: error.subject,
    retryable: error.retryable,
  });
}
