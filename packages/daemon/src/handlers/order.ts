import { realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { BrokerError } from '@mcp-broker/providers/errors';
import type { Broker } from '../broker.ts';
import { textOf, type Entry, type Piece } from '../entries/entry.ts';
import { requireShown } from '../entries/shown.ts';
import type { Context } from '../listener/handler.ts';
import {
  accountHome,
  inheritedVariable,
  readEnvironment,
  readInherited,
  withoutOwnFolders,
} from '../policy/inherited.ts';
import type { EnvironmentEntry, InheritedVariable } from '../protocol/approvals.ts';
import type {
  EntryLaunchRequest,
  EntryPart,
  LaunchEntry,
  LaunchRequest,
} from '../protocol/messages.ts';
import { hasReference, parseTemplate, type Template } from '../reference.ts';
import { isCodeLoading, isInheritedSteering } from '../steering-names.ts';

/** What is to be launched, whichever form the request has. */
export interface Order {
  readonly command: string;
  readonly args: readonly string[];
  /** The server's PATH; null when it has none. */
  readonly path: string | null;
  readonly environment: readonly EnvironmentEntry[];
  /** Of the environment of an entry. */
  readonly templates?: ReadonlyMap<string, Template>;
  readonly allowArgs: boolean;
  readonly server?: string;
  readonly inherited: readonly InheritedVariable[];
  readonly origin: string;
  /** Where the server runs, when that is said; else it is the folder of the launch. */
  readonly cwd?: string;
  /** What the wrapper is told of an entry. */
  readonly entry?: LaunchEntry;
  /** Digest of the config that was in force before anything was planned by it. */
  readonly config: string;
}

/** Reads the entry, where the request names one. Throws what is wrong with its file. */
export async function orderOf(
  broker: Broker,
  request: LaunchRequest | EntryLaunchRequest,
  context: Context,
): Promise<Order> {
  const [attachment] = context.attachments;
  const account = accountHome();
  if (!('entry' in request)) {
    return {
      ...request,
      allowArgs: request.allowArgs === true,
      inherited: withoutOwnFolders(readInherited(attachment), account),
      origin: 'command line',
      config: broker.loaded.digest,
    };
  }
  requireOurFiles(broker, context);
  const environment = readEnvironment(attachment);
  const workingDirectory = broker.platform.process(context.peer.pid)?.workingDirectory;
  if (workingDirectory === undefined) throw noFolder();
  const { file, name, shown = [] } = request.entry;
  const home = environment.get('HOME')?.toString('utf8') || account;
  const valueOf = (variable: string): Uint8Array | undefined => environment.get(variable);
  // Few launches are of this kind, and the daemon's first start does not wait for two parsers.
  const { configuredEntry, readEntry } = await import('../entries/index.ts');
  // Somebody may have written it just now.
  if (file === undefined && !(name in broker.config.servers)) await broker.reload();
  const config = broker.loaded.digest;
  const entry =
    file === undefined
      ? configuredEntry(broker.config, name, broker.paths.config)
      : readEntry({
          file: requireAbsolute(file),
          name,
          workingDirectory,
          home,
          valueOf,
          isShown: requireShown(shown),
        });
  const order = orderOfEntry(entry, request, environment, { workingDirectory, home: account });
  return { ...order, config };
}

function orderOfEntry(
  entry: Entry,
  request: EntryLaunchRequest,
  environment: ReadonlyMap<string, Buffer>,
  { workingDirectory, home }: { readonly workingDirectory: string; readonly home: string },
): Omit<Order, 'config'> {
  const valueOf = (name: string): string => environment.get(name)?.toString('utf8') ?? '';
  const plain = (pieces: readonly Piece[]): string =>
    textOf(pieces, (name) => environment.get(name));

  const command = plain(entry.command);
  const args = entry.args.map(plain);
  const cwd =
    entry.cwd === undefined ? undefined : folder(resolve(workingDirectory, plain(entry.cwd)));
  const set = new Map(entry.env.map(({ name, text }) => [name, text]));
  for (const { name, value } of request.environment) {
    set.set(name, [{ kind: 'raw', text: value }]);
  }
  // What says what is loaded, and where from, is shown and followed: as the server gets it.
  for (const [name, pieces] of set) {
    if (!isCodeLoading(name) && name !== 'PATH' && name !== 'HOME') continue;
    set.set(
      name,
      pieces.map((piece) => fixed(piece, valueOf)),
    );
  }

  const { inherits } = entry;
  const names = [...environment.keys()].filter(
    (name) => !set.has(name) && (inherits === 'all' || inherits(name, valueOf(name))),
  );
  const entries = [...set].map(([name, pieces]) => ({ name, parts: pieces.flatMap(partsOf) }));
  const written = [...set].map(([name, pieces]): EnvironmentEntry => ({
    name,
    value: pieces.map(({ text }) => text).join(''),
    origin: 'entry',
  }));
  const inheritedEntries = names
    .map((name): EnvironmentEntry => ({ name, value: valueOf(name), origin: 'inherited' }))
    .filter(({ value }) => hasReference(value, 'inherited'));
  const read = new Set([
    ...[...set.values()]
      .flat()
      .flatMap((piece) => (piece.kind === 'inherited' ? [piece.name] : [])),
    ...(entry.named ?? []).filter((name) => names.includes(name)),
  ]);
  const path = set.get('PATH');
  return {
    command,
    args,
    path: path !== undefined ? plain(path) : names.includes('PATH') ? valueOf('PATH') : null,
    environment: [...written, ...inheritedEntries],
    templates: new Map(
      entries.map(({ name, parts }) => [
        name,
        parts.map((part) =>
          typeof part !== 'string' && part.kind === 'inherited' ? valueOf(part.name) : part,
        ),
      ]),
    ),
    allowArgs: request.allowArgs === true,
    server: request.server ?? request.entry.name,
    inherited: inheritedOf(environment, names, read, home),
    origin: entry.origin,
    ...(cwd === undefined ? {} : { cwd }),
    entry: {
      command,
      args,
      environment: entries.map(({ name, parts }) => ({ name, text: parts })),
      ...(cwd === undefined ? {} : { cwd }),
      inherit: entry.inherits === 'all' ? 'all' : names,
    },
  };
}

/** Those that steer, and those that the entry itself names. */
function inheritedOf(
  environment: ReadonlyMap<string, Buffer>,
  names: readonly string[],
  read: ReadonlySet<string>,
  home: string,
): readonly InheritedVariable[] {
  const variable = (name: string): InheritedVariable =>
    inheritedVariable(name, environment.get(name) ?? Buffer.alloc(0));
  const steering = names.filter((name) => isInheritedSteering(name) && !read.has(name));
  return [...withoutOwnFolders(steering.map(variable), home), ...[...read].map(variable)];
}

/**
 * What is said of an entry is what stands in a file that we see. A container that is let in was kept away
 * from our files on purpose, and has others under the same names.
 */
function requireOurFiles({ platform }: Broker, { peer }: Context): void {
  const own = platform.namespaces(process.pid);
  const theirs = platform.namespaces(peer.pid);
  if (own !== undefined && own.user === theirs?.user && own.mount === theirs.mount) return;
  throw new BrokerError('ERR_DENIED', 'a process of other namespaces may name no entry of a file', {
    hint: 'name the command itself: mcp exec -- COMMAND',
  });
}

function fixed(piece: Piece, valueOf: (name: string) => string): Piece {
  return piece.kind === 'inherited' ? { kind: 'fixed', text: valueOf(piece.name) } : piece;
}

function partsOf(piece: Piece): readonly EntryPart[] {
  if (piece.kind === 'inherited') return [{ kind: 'inherited', name: piece.name }];
  return piece.kind === 'fixed' ? [piece.text] : parseTemplate(piece.text, 'both');
}

/** The real path of a folder that is there. */
function folder(path: string): string {
  try {
    const real = realpathSync.native(path);
    if (statSync(real).isDirectory()) return real;
  } catch {
    // Said below.
  }
  throw new BrokerError('ERR_NOT_FOUND', `the working folder of the entry is not there: ${path}`, {
    hint: `make it, or correct its cwd: mkdir -p ${path}`,
    subject: path,
  });
}

function requireAbsolute(file: string): string {
  if (file.startsWith('/')) return file;
  throw new BrokerError('ERR_USAGE', `the client's file is no absolute path: ${file}`, {
    hint: 'see docs/PROTOCOL.md',
    subject: file,
  });
}

export function noFolder(): BrokerError {
  return new BrokerError('ERR_DENIED', 'the folder that the launch was asked for in has gone', {
    hint: 'start the server in a folder that exists',
  });
}
