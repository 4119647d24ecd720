import { BrokerError } from '@mcp-broker/providers/errors';

/** A message from a client, its members checked but for the params. */
export interface Envelope {
  /** Undefined: a notification, which has no answer. */
  readonly id: number | undefined;
  readonly method: string;
  readonly params: unknown;
}

/** The numbers that JSON-RPC gives to its own errors, and one for all of ours. */
export const rpcCodes = {
  parseError: -32_700,
  invalidRequest: -32_600,
  methodNotFound: -32_601,
  invalidParams: -32_602,
  brokerError: -32_000,
} as const;

const members = new Set(['jsonrpc', 'id', 'method', 'params', 'attachments']);

/** Throws `ERR_PROTOCOL` for what is no request of JSON-RPC 2.0, or has an id that is no safe integer. */
export function readEnvelope(message: Readonly<Record<string, unknown>>): Envelope {
  if (message['jsonrpc'] !== '2.0') throw violation('`jsonrpc` is not "2.0"');
  const { id, method, params } = message;
  if (id !== undefined && (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 0)) {
    throw violation('`id` is not an integer from 0 to 2^53 - 1');
  }
  if (typeof method !== 'string') throw violation('`method` is not a string');
  if (params !== undefined && (typeof params !== 'object' || params === null)) {
    throw violation('`params` is not an object');
  }
  if (!Object.keys(message).every((member) => members.has(member))) {
    throw violation('it has a member that no request has');
  }
  return { id, method, params: params ?? {} };
}

/** An error as a message; with `null`, it is about the connection and not about one request. */
export function errorAnswer(id: number | null, error: BrokerError, code?: number): object {
  return {
    jsonrpc: '2.0',
    id,
    error: { code: code ?? rpcCodes.brokerError, message: error.message, data: error.toShape() },
  };
}

function violation(reason: string): BrokerError {
  return new BrokerError('ERR_PROTOCOL', `a request broke the protocol: ${reason}`, {
    hint: 'see docs/PROTOCOL.md',
  });
}
