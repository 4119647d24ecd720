import { connect, locatePaths, type Client, type Paths } from '@mcp-broker/daemon/client';
import type { EntryLaunchRequest, LaunchRequest, LaunchTicket } from '@mcp-broker/daemon/protocol';

import { reportWaiting } from '../output/report.ts';
import type { ExecInput } from './arguments.ts';
import { daemonProgram } from './daemon-program.ts';
import { requireConfig } from './given-config.ts';
import { loadReplace } from './replace.ts';
import { loadSpawn } from './server.ts';

export interface Reached {
  readonly client: Client;
  readonly paths: Paths;
}

/** Connects to the daemon, or starts it. */
export async function reachDaemon(input: ExecInput): Promise<Reached> {
  const paths = locatePaths(input);
  if (input.config !== undefined) requireConfig(paths.config);
  const client = await connect(paths, { client: 'mcp exec', start: daemonProgram });
  if (input.waitMs !== undefined) sayWhenPending(client, input);
  return { client, paths };
}

/** The first round trip, while which is loaded what the start needs. Wipes the bytes that go with it. */
export async function askFor(
  client: Client,
  request: LaunchRequest | EntryLaunchRequest,
  bytes: Buffer | undefined,
  { replace }: ExecInput,
): Promise<LaunchTicket> {
  const extras = bytes === undefined ? {} : { attachments: [bytes] };
  const asked = client.call('launch.request', request, extras);
  bytes?.fill(0);
  const [{ result }] = await Promise.all([asked, replace ? loadReplace() : loadSpawn()]);
  return result;
}

/** A signal that comes while we wait ends us as it ends any program, and the request with us. */
function sayWhenPending(client: Client, input: ExecInput): void {
  let said = '';
  client.on('launch.pending', ({ hint }) => {
    if (hint !== said) reportWaiting(hint, input);
    said = hint;
  });
}
