import { statSync } from 'node:fs';
import { connect, locatePaths } from '@mcp-broker/daemon/client';
import { BrokerError, type FileIdentity, type LaunchRequest } from '@mcp-broker/daemon/protocol';

import type { ExecInput } from './arguments.ts';
import { daemonProgram } from './daemon-program.ts';
import { requireConfig } from './given-config.ts';
import type { Draft } from './references.ts';
import { loadSpawn, startServer } from './server.ts';
import { relaySignals } from './signals.ts';
import { fillIn, readValues } from './values.ts';

/**
 * Asks the daemon whether this launch may have its variables, takes their values (two round trips), and
 * starts the server with them. Gives its exit code.
 */
export async function launchWithValues(draft: Draft, input: ExecInput): Promise<number> {
  const paths = locatePaths(input);
  if (input.config !== undefined) requireConfig(paths.config);
  const client = await connect(paths, { client: 'mcp exec', start: daemonProgram });
  try {
    const asked = client.call('launch.request', launchRequest(draft, input));
    loadSpawn();
    const { launch, ticket, executable } = (await asked).result;

    const taken = client.call('launch.take', { ticket });
    const relay = relaySignals();
    const { result, attachments } = await taken;

    const { args, environment } = fillIn(draft, readValues(result, attachments));
    environment['MCP_LAUNCH'] = launch;
    assertUnchanged(executable);
    // Not awaited here: the values would live as long as the server.
    return startServer({ file: executable.path, name: input.command, args, environment }, relay);
  } finally {
    // After the spawn: the server need not wait for it.
    client.close();
  }
}

function launchRequest(draft: Draft, input: ExecInput): LaunchRequest {
  const entry = draft.entries.find(({ name }) => name === 'PATH');
  return {
    command: draft.command,
    args: input.args,
    path: entry?.value ?? draft.environment['PATH'] ?? null,
    environment: draft.entries.map(({ name, value, origin }) => ({ name, value, origin })),
    ...(input.allowArgs ? { allowArgs: true } : {}),
    ...(input.server === undefined ? {} : { server: input.server }),
  };
}

/** The last look before the spawn: is this still the file that was hashed and approved? */
function assertUnchanged(seen: FileIdentity): void {
  const now = statSync(seen.path, { bigint: true, throwIfNoEntry: false });
  if (
    now === undefined ||
    String(now.dev) !== seen.dev ||
    String(now.ino) !== seen.ino ||
    String(now.size) !== seen.size ||
    String(now.mtimeNs) !== seen.mtimeNs ||
    String(now.ctimeNs) !== seen.ctimeNs
  ) {
    throw new BrokerError('ERR_CHANGED', `${seen.path} changed while it was being launched`, {
      hint: 'start the server again; if you did not change the file, find out who did',
      subject: seen.path,
    });
  }
}
