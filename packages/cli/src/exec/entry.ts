import { resolve } from 'node:path';
import {
  BrokerError,
  type EntryLaunchRequest,
  type EntryPart,
  type LaunchEntry,
  type LaunchTicket,
  type ShownFile,
} from '@mcp-broker/daemon/protocol';
import type { ExecInput } from './arguments.ts';
import { emptyEnvironment, type Environment } from './aside.ts';
import { askFor, reachDaemon } from './ask.ts';
import { takeAndStart } from './launch.ts';
import { plainProgram, startPlain } from './plain.ts';
import { draftLaunch, type Draft } from './references.ts';
import { showFile } from './shown.ts';

/** An entry, its `envFile`, and some more where a client writes its file anew all the time. */
const maxShows = 8;

/**
 * Starts a server that a file describes. The daemon reads the file and decides on what stands there; what
 * the variables of the environment do in it is settled there too, so it gets all of them.
 */
export async function launchEntry(
  { file, name }: NonNullable<ExecInput['entry']>,
  input: ExecInput,
  environment: Environment,
): Promise<number> {
  const reached = await reachDaemon(input);
  const { client } = reached;
  try {
    const request = {
      environment: [...input.entries].map(([key, value]) => ({
        name: key,
        value,
        origin: 'entry' as const,
      })),
      ...(input.allowArgs ? { allowArgs: true } : {}),
      ...(input.server === undefined ? {} : { server: input.server }),
      ...(input.waitMs === undefined ? {} : { waitMs: input.waitMs }),
    };
    const ask = (entry: EntryLaunchRequest['entry']): Promise<LaunchTicket> =>
      askFor(client, { entry, ...request }, environmentBytes(environment), input);
    const ticket = await (file === undefined
      ? ask({ name })
      : askShowing(ask, resolve(file), name));
    if (ticket.entry === undefined) throw otherVersion();
    const draft = draftEntry(ticket.entry, input, environment);
    if (ticket.ticket !== '') return (await takeAndStart(reached, draft, ticket)).exit;
    client.close();
    return startAsItIs(draft, ticket);
  } catch (error) {
    client.close();
    throw error;
  }
}

/** The daemon tells nothing of a file that we cannot read. */
async function askShowing(
  ask: (entry: EntryLaunchRequest['entry']) => Promise<LaunchTicket>,
  file: string,
  name: string,
): Promise<LaunchTicket> {
  const shown: ShownFile[] = [];
  let show = file;
  for (let shows = 0; shows < maxShows; shows += 1) {
    shown.push(...showFile(show));
    const ticket = await ask({ file, name, shown });
    if (ticket.show === undefined) return ticket;
    show = ticket.show;
  }
  throw new BrokerError('ERR_DENIED', `this process cannot read ${show}`, {
    hint: `ls -l ${show}`,
  });
}

/** Without references nothing was decided, and nothing is to be taken. */
function startAsItIs(draft: Draft, { path, entry }: LaunchTicket): Promise<number> {
  if (draft.hasReferences) throw otherVersion();
  return startPlain(plainProgram(draft, entry?.cwd, path), draft);
}

/** The launch that the entry describes, in the environment that its client would give it. */
function draftEntry(entry: LaunchEntry, input: ExecInput, environment: Environment): Draft {
  const valueOf = (name: string): string => environment[name] ?? '';
  const entries = entry.environment.map(({ name, text }) => ({
    name,
    value: '',
    origin: 'entry' as const,
    template: text.map((part) => (isInherited(part) ? valueOf(part.name) : part)),
  }));
  const set = new Set(entries.map(({ name }) => name));
  const inherited = emptyEnvironment();
  const names = entry.inherit === 'all' ? Object.keys(environment) : entry.inherit;
  for (const name of names) {
    if (!set.has(name) && Object.hasOwn(environment, name)) inherited[name] = valueOf(name);
  }
  const { command, args } = entry;
  const draft = draftLaunch({ ...input, command, args, entries: new Map() }, inherited);
  return {
    ...draft,
    entries: [...draft.entries, ...entries],
    hasReferences:
      draft.hasReferences ||
      entries.some(({ template }) => template.some((part) => typeof part !== 'string')),
  };
}

function isInherited(part: EntryPart): part is Extract<EntryPart, { kind: 'inherited' }> {
  return typeof part !== 'string' && part.kind === 'inherited';
}

/** All of it, each `NAME=value` ended by a NUL. Bytes, since values may be secrets. */
function environmentBytes(environment: Environment): Buffer {
  let text = '';
  for (const [name, value] of Object.entries(environment)) text += `${name}=${value}\0`;
  return Buffer.from(text);
}

function otherVersion(): BrokerError {
  return new BrokerError('ERR_PROTOCOL', 'the daemon did not say what the entry starts', {
    hint: 'run `mcp daemon restart`: it may be of another version',
  });
}
