import { resolve } from 'node:path';

import type { ClientServer } from '@mcp-broker/daemon/client-files';
import { locatePaths } from '@mcp-broker/daemon/client';
import type { Forms } from '@mcp-broker/daemon/protocol';

import { wrappedBy, type Wrapped } from '../../clients/wrapped.ts';
import type { ClientFact, Facts } from './facts.ts';

/** A server that somebody starts: of config.yaml, or of a client's file, through us or not. */
export interface ServerFact {
  /** For a person: where it stands. */
  readonly subject: string;
  readonly file: string;
  /** Undefined: config.yaml. */
  readonly client: ClientFact['place'] | undefined;
  /** As its entry says it; of a launch of ours still with `mcp exec`. */
  readonly command: readonly string[];
  readonly wrapped: Wrapped;
  /** What is run in the end; undefined: an entry elsewhere says it. */
  readonly program: readonly string[] | undefined;
  /** What we would read: texts of its environment, and how each is read. */
  readonly texts: readonly (readonly [name: string, text: string, forms: Forms])[];
}

/** Those that are switched on. Launches of another home than this one are left to its own doctor. */
export function serversIn(facts: Facts): readonly ServerFact[] {
  const configured = Object.entries(facts.config?.config.servers ?? {});
  return [
    ...configured.map(([name, { command, env }]): ServerFact => ({
      subject: `server ${name} of ${facts.paths.config}`,
      file: facts.paths.config,
      client: undefined,
      command,
      wrapped: { kind: 'no' },
      program: command,
      texts: Object.entries(env).map(([key, text]) => [key, text, 'both']),
    })),
    ...facts.clients.flatMap(({ place, servers }) =>
      (servers ?? [])
        .filter(({ disabled, command }) => !disabled && command.length > 0)
        .map((server) => ofClient(place, server))
        .filter(({ wrapped }) => wrapped.kind !== 'exec' || isOfThisHome(wrapped.input, facts)),
    ),
  ];
}

/** For a person: which entry, where it lies. */
export function nameOf(place: ClientFact['place'], { name, project }: ClientServer): string {
  return `server ${name} of ${place.file}${project === undefined ? '' : ` (${project})`}`;
}

/** The program alone: some write its arguments into the same text, and tokens among them. */
export function programIn(command: string): string {
  return command.replace(/(?<=\S)\s[^]*$/, ' …');
}

function ofClient(place: ClientFact['place'], server: ClientServer): ServerFact {
  const wrapped = wrappedBy(server.command);
  const own = Object.entries(server.env).map(
    ([key, text]) => [key, text, wrapped.kind === 'exec' ? 'inherited' : 'angle'] as const,
  );
  const given = wrapped.kind === 'exec' ? [...wrapped.input.entries] : [];
  return {
    subject: nameOf(place, server),
    file: place.file,
    client: place,
    command: server.command,
    wrapped,
    program: programOf(server, wrapped),
    // What `--env` sets takes the place of what the client sets.
    texts: [
      ...own.filter(([key]) => !given.some(([other]) => other === key)),
      ...given.map(([key, text]) => [key, text, 'both'] as const),
    ],
  };
}

function programOf({ command }: ClientServer, wrapped: Wrapped): readonly string[] | undefined {
  if (wrapped.kind === 'no') return command;
  if (wrapped.kind === 'wrong' || wrapped.input.entry !== undefined) return undefined;
  return [wrapped.input.command, ...wrapped.input.args];
}

function isOfThisHome(
  { home, config }: { home: string | undefined; config: string | undefined },
  { paths, folder }: Facts,
): boolean {
  const environment = { HOME: folder };
  const at = locatePaths({ home: home ?? resolve(folder, '.mcp'), config, environment });
  return at.state === paths.state;
}
