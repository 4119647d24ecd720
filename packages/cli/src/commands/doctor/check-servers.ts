import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';

import { word } from '../../output/hint.ts';
import { commandPath } from '../client-snippet.ts';
import type { Facts } from './facts.ts';
import { finding, type Finding } from './finding.ts';
import { programIn, serversIn, type ServerFact } from './servers.ts';

/** Servers: that what they start is there, and that their client finds us. */
export function checkServers(facts: Facts): readonly Finding[] {
  return serversIn(facts).flatMap((server) => [
    ...checkCall(server, facts),
    ...checkProgram(server, facts),
    ...checkCommand(server, facts),
  ]);
}

/** A call of `mcp exec` that fails whatever else is right. */
function checkCall({ subject, wrapped, file }: ServerFact, facts: Facts): readonly Finding[] {
  if (wrapped.kind === 'wrong') {
    const { message, hint } = wrapped.problem;
    return [
      finding('launch-unreadable', subject, { cause: message, remedy: hint ?? `edit ${file}` }),
    ];
  }
  const entry = wrapped.kind === 'exec' ? wrapped.input.entry : undefined;
  if (entry === undefined) return [];
  if (entry.file !== undefined) {
    if (!entry.file.startsWith('/') || existsSync(entry.file)) return [];
    const cause = `it is started from ${entry.file}, which is not there`;
    return [finding('server-unknown', subject, { cause, remedy: `edit ${file}` })];
  }
  if (facts.config === undefined || Object.hasOwn(facts.config.config.servers, entry.name))
    return [];
  return [
    finding('server-unknown', subject, {
      cause: `it starts ${entry.name}, which ${facts.paths.config} does not have`,
      remedy: `add ${entry.name} to servers in ${facts.paths.config}, or edit ${file}`,
    }),
  ];
}

function checkProgram(server: ServerFact, facts: Facts): readonly Finding[] {
  const { subject, program, file, texts } = server;
  const [command] = program ?? [];
  // What a client or a reference fills in first is not known here.
  if (command === undefined || command.includes('$')) return [];
  const [, own = ''] = texts.find(([name]) => name === 'PATH') ?? [];
  if (isFound(command, own, facts)) return [];
  const where = command.includes('/') ? 'is not there' : 'is in no folder of PATH or settings.path';
  return [
    finding('server-gone', subject, {
      cause: `its command ${programIn(command)} ${where}, or may not be run`,
      remedy: `install it, or edit ${file}`,
    }),
  ];
}

/** What the client itself starts, when that is us. */
function checkCommand(server: ServerFact, facts: Facts): readonly Finding[] {
  const { subject, client, wrapped, command, file } = server;
  const [mcp] = command;
  if (client === undefined || mcp === undefined || wrapped.kind !== 'exec') return [];
  if (mcp.startsWith('/')) {
    if (!isExecutable(mcp)) {
      return [
        finding('server-gone', subject, {
          cause: `its command ${mcp} is not there, or may not be run`,
          remedy: `write ${ourPath(facts)} in ${file}`,
        }),
      ];
    }
    return client.graphical ? checkNode(server, mcp, facts) : [];
  }
  if (!client.graphical || isIn(mcp, facts.desktop)) return [];
  return [
    finding('client-command', subject, {
      cause: `${client.client} is started from a desktop and may not find ${mcp}`,
      remedy: `write ${ourPath(facts)} in ${file}`,
    }),
  ];
}

/** Our launcher takes the Node beside it, or the one of PATH. */
function checkNode(
  { subject, client }: ServerFact,
  mcp: string,
  { desktop }: Facts,
): readonly Finding[] {
  const beside = join(dirname(mcp), 'node');
  if (isExecutable(beside) || isIn('node', desktop)) return [];
  return [
    finding('node-not-found', subject, {
      cause: `${client?.client} is started from a desktop, where mcp finds no Node`,
      remedy: `ln -s ${word(process.execPath)} ${word(beside)}`,
    }),
  ];
}

/** `own`: the PATH that the entry itself sets. */
function isFound(
  command: string,
  own: string,
  { environment, config, folder, desktop }: Facts,
): boolean {
  if (command.includes('/')) {
    const path = command.startsWith('~/') ? join(folder, command.slice(2)) : command;
    // A relative one is of a folder that its client knows.
    return !path.startsWith('/') || isExecutable(path);
  }
  const folders = [own, environment['PATH'] ?? ''].flatMap((path) => path.split(delimiter));
  return isIn(command, [...folders, ...(config?.config.settings.path ?? []), ...desktop]);
}

function isIn(command: string, folders: readonly string[]): boolean {
  return folders.some((folder) => isExecutable(resolve(folder, command)));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function ourPath({ environment }: Facts): string {
  return commandPath(process.argv[1], environment);
}
