import { connect, locatePaths, type Client, type Paths } from '@mcp-broker/daemon/client';
import type { LaunchRequest, LaunchTicket } from '@mcp-broker/daemon/protocol';

import { reportWaiting } from '../output/report.ts';
import type { ExecInput } from './arguments.ts';
import { daemonProgram } from './daemon-program.ts';
import { requireConfig } from './given-config.ts';
import { holdProgram } from './program.ts';
import type { Draft } from './references.ts';
import { loadSpawn, startServer } from './server.ts';
import { relaySignals } from './signals.ts';
import { steeringBytes } from './steering.ts';
import { tellDaemon } from './told.ts';
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
    if (input.waitMs !== undefined) sayWhenPending(client, input);
    const steering = steeringBytes(draft.environment);
    const extras = steering === undefined ? {} : { attachments: [steering] };
    const asked = client.call('launch.request', launchRequest(draft, input), extras);
    steering?.fill(0);
    loadSpawn();
    return (await takeAndStart(client, paths, draft, (await asked).result)).exit;
  } catch (error) {
    client.close();
    throw error;
  }
}

/**
 * The second round trip, and the start. The exit is not awaited here: the values would live as long. The
 * connection stays for as long as the server runs.
 */
export async function takeAndStart(
  client: Client,
  paths: Paths,
  draft: Draft,
  { launch, ticket, files, path, entry }: LaunchTicket,
): Promise<{ readonly exit: Promise<number> }> {
  const taken = client.call('launch.take', { ticket });
  const relay = relaySignals();
  const { result, attachments } = await taken;

  const { args, environment } = fillIn(draft, readValues(result, attachments));
  environment['MCP_LAUNCH'] = launch;
  if (path !== undefined) environment['PATH'] = path;
  const program = holdProgram(files);
  try {
    const name = draft.command;
    const cwd = entry?.cwd;
    const told = tellDaemon(client, paths, launch);
    const server = { ...program, name, args, environment, cwd, launch, told };
    const exit = startServer(server, relay).catch((error: unknown) => {
      client.close();
      throw error;
    });
    return { exit };
  } finally {
    program.release();
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
    ...(input.waitMs === undefined ? {} : { waitMs: input.waitMs }),
  };
}

/** A signal that comes while we wait ends us as it ends any program, and the request with us. */
export function sayWhenPending(client: Client, input: ExecInput): void {
  let said = '';
  client.on('launch.pending', ({ hint }) => {
    if (hint !== said) reportWaiting(hint, input);
    said = hint;
  });
}
