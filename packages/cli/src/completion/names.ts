import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';

import {
  connect,
  expandTilde,
  locatePaths,
  systemClock,
  type Client,
} from '@mcp-broker/daemon/client';
import type { Config } from '@mcp-broker/daemon/config';

import type { CommandLine } from '../commands/command-line.ts';
import { version } from '../version.ts';
import type { Candidate, Names } from './candidates.ts';

/** Longer than that nobody waits for a Tab. */
const patienceMs = 1000;

/** Names of the home that a command line is for: from its config.yaml, and the daemon if it runs. */
export function homeNames(environment: Readonly<Record<string, string | undefined>>): Names {
  return {
    async of(kind, line) {
      const [config, told] = await Promise.all([configured(kind, line), ofDaemon(kind, line)]);
      const byWord = new Map([...config, ...told].map((candidate) => [candidate.word, candidate]));
      return [...byWord.values()];
    },
    async programs(start) {
      const folders = (environment['PATH'] ?? '').split(':').filter((folder) => isAbsolute(folder));
      const found = new Set(folders.flatMap((folder) => programsIn(folder, start)));
      return [...found].map((word) => ({ word }));
    },
  };
}

type Kind = Parameters<Names['of']>[0];

function placesOf({ values }: CommandLine): ReturnType<typeof locatePaths> {
  const [home, config] = ['--home', '--config'].map((option) => {
    const value = values.get(option);
    return value === undefined ? undefined : expandTilde(value);
  });
  return locatePaths({ home, config });
}

const sections: { readonly [K in Kind]?: (config: Config) => object } = {
  server: ({ servers }) => servers,
  variable: ({ variables }) => variables,
  backend: ({ backends }) => backends,
};

async function configured(kind: Kind, line: CommandLine): Promise<readonly Candidate[]> {
  if (kind === 'key') return keys();
  const section = sections[kind];
  if (section === undefined) return [];
  try {
    const { readConfig } = await import('@mcp-broker/daemon/config');
    return Object.keys(section(readConfig(placesOf(line).config).config)).map((word) => ({ word }));
  } catch {
    return [];
  }
}

/** What config.yaml may hold, as far as no name of one's own comes into it: `settings.ttl`. */
async function keys(): Promise<readonly Candidate[]> {
  const { configJsonSchema } = await import('@mcp-broker/daemon/config');
  return keysOf(configJsonSchema(), '');
}

interface Shape {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Shape>>;
}

function keysOf({ properties = {} }: Shape, prefix: string): readonly Candidate[] {
  return Object.entries(properties).flatMap(([name, shape]) => {
    const word = `${prefix}${name}`;
    return [{ word, about: shape.description }, ...keysOf(shape, `${word}.`)];
  });
}

const questions: {
  readonly [K in Kind]?: (client: Client, signal: AbortSignal) => Promise<readonly Candidate[]>;
} = {
  async variable(client, signal) {
    const { secrets } = (await client.call('secret.list', {}, { signal })).result;
    return secrets.map(({ name, backend }) => ({ word: name, about: `in ${backend}` }));
  },
  async backend(client, signal) {
    const { backends } = (await client.call('broker.status', {}, { signal })).result;
    return backends.map(({ name, kind, state }) => ({ word: name, about: `${kind}, ${state}` }));
  },
  async request(client, signal) {
    const { pending } = (await client.call('approval.list', {}, { signal })).result;
    return pending.map(({ id, server, variables }) => ({
      word: id,
      about: [server ?? '-', ...variables.map(({ name }) => name)].join(' '),
    }));
  },
  async grant(client, signal) {
    const { grants } = (await client.call('grant.list', {}, { signal })).result;
    return grants.map(({ id, server, outcome, variables }) => ({
      word: id,
      about: [outcome, server ?? '-', ...variables].join(' '),
    }));
  },
};

async function ofDaemon(kind: Kind, line: CommandLine): Promise<readonly Candidate[]> {
  const question = questions[kind];
  if (question === undefined) return [];
  const giveUp = new AbortController();
  const cancel = systemClock.after(patienceMs, () => {
    giveUp.abort();
  });
  let client: Client | undefined;
  try {
    const paths = placesOf(line);
    if (!(await mayRun(paths.lock))) return [];
    client = await connect(paths, { client: `mcp ${version}` });
    return await question(client, giveUp.signal);
  } catch {
    return [];
  } finally {
    cancel();
    client?.close();
  }
}

/** False where a service manager alone listens, which would start a daemon for whoever connects. */
async function mayRun(lock: string): Promise<boolean> {
  if (process.platform !== 'linux') return true;
  const { daemonPid } = await import('@mcp-broker/daemon/inspect');
  return daemonPid(lock) !== undefined;
}

function programsIn(folder: string, start: string): readonly string[] {
  try {
    return readdirSync(folder).filter(
      (name) => name.startsWith(start) && isProgram(join(folder, name)),
    );
  } catch {
    return [];
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
