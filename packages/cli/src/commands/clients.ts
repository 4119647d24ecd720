import { homedir } from 'node:os';

import { plaintextIn, type ClientServer, type Plaintext } from '@mcp-broker/daemon/client-files';
import type { ErrorShape } from '@mcp-broker/daemon/protocol';

import { wrappedBy } from '../clients/wrapped.ts';
import { table } from '../output/table.ts';
import { clientsOf, type ClientFact } from './doctor/facts.ts';
import { isThere } from './home.ts';
import type { Session } from './session.ts';

/** A place where a client looks for servers; with `--json` as it stands here. */
interface ClientPlace {
  readonly client: string;
  readonly scope: 'user' | 'project';
  readonly file: string;
  /** Whether the file is there. */
  readonly exists: boolean;
  /** Why it cannot be read. */
  readonly problem?: ErrorShape;
  readonly servers: readonly ClientEntry[];
}

interface ClientEntry {
  readonly name: string;
  readonly project?: string;
  /** `exec`: started through us; `wrong`: in a way that fails; `remote`: not started at all. */
  readonly launch: 'exec' | 'wrong' | 'remote' | 'direct';
  readonly disabled: boolean;
  /** What looks like a secret, by its name. */
  readonly plaintext: readonly Plaintext[];
}

/** Prints which clients are there, with a line for each of their files; nothing is changed. */
export async function showClients(session: Session): Promise<number> {
  const { output, environment } = session;
  const places = clientsOf(environment['HOME'] || homedir(), environment)
    .filter(({ place }) => isThere(place.file) || (place.sign !== undefined && isThere(place.sign)))
    .map(placeOf);
  const found = places.flatMap((place) =>
    place.servers.flatMap(({ name, plaintext }) =>
      plaintext.map(({ keys, line, issuer }) => [
        name,
        keys.join('.'),
        issuer ?? 'looks like a secret',
        line === undefined ? undefined : String(line),
        place.file,
      ]),
    ),
  );
  const text = [
    table(
      ['CLIENT', 'ENTRIES', 'WRAPPED', 'PLAIN TEXT', 'FILE'],
      places.map(rowOf),
      output.columns,
    ),
    found.length === 0
      ? ''
      : table(['SERVER', 'KEY', 'HOLDS', 'LINE', 'FILE'], found, output.columns),
  ];
  output.result(text.filter((part) => part !== '').join('\n'), places);
  for (const { problem } of places) {
    if (problem === undefined) continue;
    const { message, hint } = problem;
    output.warn(hint === undefined ? message : `${message} (${hint})`);
  }
  if (places.length === 0) output.note('no MCP client that we know is here');
  if (found.length > 0) output.note('what to do about each: mcp doctor');
  return 0;
}

function placeOf({ place, servers, problem }: ClientFact): ClientPlace {
  const { client, scope, file } = place;
  return {
    client,
    scope,
    file,
    exists: isThere(file),
    ...(problem === undefined ? {} : { problem: problem.toShape() }),
    servers: (servers ?? []).map(entryOf),
  };
}

function entryOf(server: ClientServer): ClientEntry {
  const { name, project, command, disabled } = server;
  const { kind } = wrappedBy(command);
  return {
    name,
    ...(project === undefined ? {} : { project }),
    launch: command.length === 0 ? 'remote' : kind === 'no' ? 'direct' : kind,
    disabled,
    plaintext: plaintextIn(server),
  };
}

function rowOf({ client, file, exists, problem, servers }: ClientPlace): (string | undefined)[] {
  if (!exists || problem !== undefined) {
    return [
      client,
      undefined,
      undefined,
      undefined,
      exists ? `${file} (cannot be read)` : `${file} (not there)`,
    ];
  }
  const wrapped = servers.filter(({ launch }) => launch === 'exec').length;
  const plain = servers.reduce((sum, { plaintext }) => sum + plaintext.length, 0);
  return [
    client,
    String(servers.length),
    String(wrapped),
    plain === 0 ? 'none' : String(plain),
    file,
  ];
}
