import { realpathSync } from 'node:fs';
import { resolve, sep } from 'node:path';

import type { Client } from '@mcp-broker/daemon/client';
import {
  BrokerError,
  type Lifetime,
  type Methods,
  type PendingApproval,
  type RequestedVariable,
} from '@mcp-broker/daemon/protocol';

import { readPassphrase } from '../input/secret.ts';
import { aligned, unfolded, type Line } from '../output/fold.ts';
import { word } from '../output/hint.ts';
import { quoteMarked } from '../output/look-alike.ts';
import { grantLifetime } from './grant-text.ts';
import { isThere } from './home.ts';
import { lifetimeText, parseLifetime, requireWithin } from './lifetime.ts';
import { unlockFirst } from './locking.ts';
import { choosePending } from './pending.ts';
import { requestLines } from './request-text.ts';
import { using, type Session } from './session.ts';
import { askForCode } from './typed-code.ts';

export interface ApproveInput {
  /** The id of a request, or the name of a server that has one; undefined: the only one there is. */
  readonly which: string | undefined;
  /** These alone; none: all that steer nothing. */
  readonly variables: readonly string[];
  /** As typed; undefined: as long as the request may have it. */
  readonly lifetime: string | undefined;
  /** A folder that the grant counts in, with those below it. */
  readonly workspace: string | undefined;
  /** The descriptor that gives the sealed file's passphrase; undefined: the terminal. */
  readonly fd: number | undefined;
}

/** What is asked of the daemon besides who is there. */
interface Terms {
  readonly variables?: readonly string[];
  readonly lifetime?: Lifetime;
  readonly workspace?: string;
}

/** Shows one request in full, sees that a person is there, and grants it. */
export async function approve(input: ApproveInput, session: Session): Promise<number> {
  const { which, fd, lifetime } = input;
  const parsed = lifetime === undefined ? undefined : parseLifetime(lifetime);
  return using(await session.connect(), async (client) => {
    const { pending } = (await client.call('approval.list', {})).result;
    const chosen = choosePending(pending, which, session);
    const { workspace, variables } = input;
    requireWithin(parsed, chosen);
    const terms: Terms = {
      ...(variables.length === 0 ? {} : { variables: [...new Set(variables)] }),
      ...(parsed === undefined ? {} : { lifetime: parsed }),
      ...(workspace === undefined ? {} : { workspace: workspaceOf(chosen, workspace) }),
    };
    chooseVariables(chosen, terms);
    const { grant, left } =
      fd === undefined
        ? await grantOnTerminal(client, chosen, terms, session)
        : await grantWithPassphrase(client, chosen, terms, fd, session);
    const { id } = chosen;
    const what = `${grant.argv[0] ?? ''} gets ${grant.variables.join(', ')}`;
    session.output.done(`approved ${id}: ${what}, ${grantLifetime(grant)}`, { grant, left });
    if (left.length > 0) {
      const names = left.map(word).join(' ');
      session.output.note(`${left.join(', ')} still waits: mcp approve ${id} ${names}`);
    }
    session.output.note('start the server again in its client');
    return 0;
  });
}

/** The real folder. Throws `ERR_NOT_FOUND`, or `ERR_USAGE` when the launch was not asked for in it. */
function workspaceOf({ id, workingDirectory }: PendingApproval, workspace: string): string {
  let folder: string;
  try {
    folder = realpathSync.native(resolve(workspace));
  } catch (cause) {
    throw new BrokerError('ERR_NOT_FOUND', `the workspace ${workspace} does not exist`, {
      hint: `the launch was asked for in ${workingDirectory}`,
      cause,
    });
  }
  const inside = folder.endsWith(sep) ? folder : `${folder}${sep}`;
  if (`${workingDirectory}${sep}`.startsWith(inside)) return folder;
  throw new BrokerError('ERR_USAGE', `request ${id} was not asked for in ${folder}`, {
    hint: `mcp approve ${id} --workspace ${word(workingDirectory)}`,
  });
}

/**
 * Those that are to be granted, and those that stay. Throws `ERR_NOT_FOUND` for a name that the request
 * does not wait for, `ERR_USAGE` when all of them have to be named.
 */
function chooseVariables(
  { id, variables, granted }: PendingApproval,
  terms: Terms,
): { readonly chosen: readonly RequestedVariable[]; readonly left: readonly RequestedVariable[] } {
  for (const name of terms.variables ?? []) {
    if (variables.some((one) => one.name === name || one.reference === name)) continue;
    const what = granted.includes(name) ? `has ${name} already` : `does not wait for ${name}`;
    throw new BrokerError('ERR_NOT_FOUND', `request ${id} ${what}`, {
      hint: `it waits for ${variables.map((one) => one.name).join(', ')}`,
    });
  }
  const isChosen = ({ name, reference, steers }: RequestedVariable): boolean =>
    terms.variables === undefined
      ? steers.length === 0
      : terms.variables.includes(name) || terms.variables.includes(reference);
  const chosen = variables.filter(isChosen);
  if (chosen.length === 0) {
    const all = variables.map(({ name }) => word(name)).join(' ');
    throw new BrokerError('ERR_USAGE', `every variable of request ${id} steers the process`, {
      hint: `approve them by name: mcp approve ${id} ${all}`,
    });
  }
  return { chosen, left: variables.filter((one) => !chosen.includes(one)) };
}

/** What exactly is about to be approved, in words of our own, below the request. */
function termLines(request: PendingApproval, terms: Terms): Line[] {
  const { chosen, left } = chooseVariables(request, terms);
  const names = (all: readonly RequestedVariable[]): string =>
    all.map(({ name }) => quoteMarked(name)).join(', ');
  return [
    { head: '', text: 'to be approved:', style: 'bold' },
    ...aligned([
      ['  variables', names(chosen)],
      ...(left.length === 0 ? [] : [['  not now', names(left)] as const]),
      ['  for', lifetimeText(terms.lifetime, request.limit)],
      ...(terms.workspace === undefined
        ? []
        : [['  in', `${quoteMarked(terms.workspace)} and below, and nowhere else`] as const]),
    ]),
  ];
}

/** What was shown, by name: a request may wait for more by the time that it is granted. */
function shownOf(
  request: PendingApproval,
  terms: Terms,
): { readonly fingerprint: string; readonly variables: readonly string[] } {
  const { chosen } = chooseVariables(request, terms);
  return {
    fingerprint: request.fingerprint,
    variables: chosen.map(({ name }) => name),
  };
}

type Granted = Methods['approval.grant']['result'];

async function grantOnTerminal(
  client: Client,
  { id }: PendingApproval,
  terms: Terms,
  session: Session,
): Promise<Granted> {
  await unlockFirst(session);
  const terminal = session.openTerminal();
  if (terminal === undefined) {
    throw new BrokerError(
      'ERR_PRESENCE',
      `request ${id} needs a person, and there is no terminal`,
      { hint: `run it on a terminal, or: mcp approve ${id} --fd 3 3< PASSPHRASE-FILE` },
    );
  }
  try {
    const { request, code: shown } = (await client.call('approval.open', { id })).result;
    const code = await askForCode(terminal, session, {
      lines: [...requestLines(request), ...termLines(request, terms)],
      code: shown,
      question: 'Type the code to approve: ',
      refused: `request ${id} is not approved, and still waits`,
      hint: `mcp approve ${id}, or mcp deny ${id}`,
    });
    const params = { id, ...terms, ...shownOf(request, terms), code };
    return (await client.call('approval.grant', params)).result;
  } finally {
    terminal.close();
  }
}

async function grantWithPassphrase(
  client: Client,
  request: PendingApproval,
  terms: Terms,
  fd: number,
  session: Session,
): Promise<Granted> {
  const { id } = request;
  // Whoever reads along, or the log of a script, sees what was approved.
  session.output.aside(unfolded([...requestLines(request), ...termLines(request, terms)]));
  const passphrase = await readPassphrase(session, { fd, command: `mcp approve ${id}` });
  const stopProgress = session.output.progress('the passphrase is checked, which takes a second');
  try {
    const attachments = [passphrase];
    const params = { id, ...terms, ...shownOf(request, terms) };
    return (await client.call('approval.grant', params, { attachments })).result;
  } catch (error) {
    const isKnown = isThere(session.paths.identity) || isThere(session.paths.keychain);
    throw isKnown ? error : noPassphrase(id, error);
  } finally {
    stopProgress();
    passphrase.fill(0);
  }
}

/** The daemon's words would be of a file that is missing, as if `mcp init` made one here. */
function noPassphrase(id: string, cause: unknown): BrokerError {
  return new BrokerError('ERR_PRESENCE', 'this home is opened by an identity file: no passphrase', {
    hint: `in a terminal: mcp approve ${id}`,
    cause,
  });
}
