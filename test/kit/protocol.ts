import { connect, locatePaths, type Client } from '@mcp-broker/daemon/client';
import { BrokerError, type LaunchRequest, type LaunchTicket } from '@mcp-broker/daemon/protocol';
import type { Home } from './home.ts';

/** A connection of the test's own process to the daemon of a home, which has to run. */
export function connectTo(home: Home): Promise<Client> {
  return connect(locatePaths({ home: home.broker }), { client: 'test' });
}

/** A launch of `/bin/true` with one reference. */
export function launchOf(name: string, more: Partial<LaunchRequest> = {}): LaunchRequest {
  return {
    command: '/bin/true',
    args: [],
    path: null,
    environment: [{ name: 'TOKEN', value: `$<${name}>`, origin: 'entry' }],
    ...more,
  };
}

/** Asks for a launch; approves it with the passphrase when that is what it takes. */
export async function ticketFor(
  home: Home,
  client: Client,
  launch: LaunchRequest,
): Promise<LaunchTicket> {
  try {
    return (await client.call('launch.request', launch)).result;
  } catch (error) {
    if (
      !(error instanceof BrokerError) ||
      error.code !== 'ERR_NOT_APPROVED' ||
      error.subject === undefined
    )
      throw error;
    const passphrase = Buffer.from(home.passphrase);
    const { pending } = (await client.call('approval.list', {})).result;
    const { id, fingerprint } = pending.find((request) => request.id === error.subject) ?? {};
    if (id === undefined || fingerprint === undefined) throw error;
    await client.call('approval.grant', { id, fingerprint }, { attachments: [passphrase] });
    return (await client.call('launch.request', launch)).result;
  }
}
