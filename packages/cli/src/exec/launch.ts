import { toBrokerError, type LaunchRequest, type LaunchTicket } from '@mcp-broker/daemon/protocol';

import { keepCode } from '../loaded.ts';
import type { ExecInput } from './arguments.ts';
import { askFor, reachDaemon, type Reached } from './ask.ts';
import { holdProgram, type HeldProgram } from '@mcp-broker/daemon/client';
import type { Draft } from './references.ts';
import { becomeServer, prepareReplace } from './replace.ts';
import { startServer } from './server.ts';
import { relaySignals } from './signals.ts';
import { steeringBytes } from './steering.ts';
import { tellDaemon } from './told.ts';
import { fillIn, readValues } from './values.ts';

/**
 * Asks the daemon whether this launch may have its variables, takes their values (two round trips), and
 * starts the server with them. Gives its exit code.
 */
export async function launchWithValues(draft: Draft, input: ExecInput): Promise<number> {
  const reached = await reachDaemon(input);
  try {
    const steering = steeringBytes(draft.environment);
    const ticket = await askFor(reached.client, launchRequest(draft, input), steering, input);
    return (await takeAndStart(reached, draft, ticket)).exit;
  } catch (error) {
    reached.client.close();
    throw error;
  }
}

/**
 * The second round trip, and the start. The exit is not awaited here: the values would live as long. The
 * connection stays for as long as the server runs.
 */
export async function takeAndStart(
  { client, paths }: Reached,
  draft: Draft,
  { launch, ticket, files, path, entry }: LaunchTicket,
): Promise<{ readonly exit: Promise<number> }> {
  const { replace } = draft;
  const taken = client.call('launch.take', { ticket, ...(replace ? { replace } : {}) });
  // Until we are the server signals end us, as they end any program.
  const relay = replace ? undefined : relaySignals();
  const told = tellDaemon(client, paths, launch);
  let program: HeldProgram | undefined;
  try {
    const [{ result, attachments }] = await Promise.all([taken, replace && prepareReplace()]);
    const { args, environment } = fillIn(draft, readValues(result, attachments));
    environment['MCP_LAUNCH'] = launch;
    if (path !== undefined) environment['PATH'] = path;
    // Before the last look at the files: it takes its time.
    if (replace) keepCode();
    program = holdProgram(files);
    const name = draft.command;
    const cwd = entry?.cwd;
    const server = { ...program, name, args, environment, cwd, launch, told };
    if (relay === undefined) becomeServer(server);
    const exit = startServer(server, relay).then(
      (code) => {
        keepCode();
        return code;
      },
      (error: unknown) => {
        client.close();
        throw error;
      },
    );
    return { exit };
  } catch (error) {
    // It is followed as the server already, and will not be that.
    if (replace) await told.ended(toBrokerError(error).exitCode);
    throw error;
  } finally {
    program?.release();
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
