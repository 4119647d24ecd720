import { plaintextIn, type Plaintext } from '@mcp-broker/daemon/client-files';

import type { Facts } from './facts.ts';
import { finding, type Finding } from './finding.ts';
import { nameOf } from './servers.ts';

/** Files of clients, and config.yaml: that no secret stands in them. A value is never told. */
export function checkClients({ clients, config, paths }: Facts): readonly Finding[] {
  const configured = Object.entries(config?.config.servers ?? {}).flatMap(([name, server]) => {
    const env = Object.entries(server.env).map(([key, text]) => [['env', key], text] as const);
    const words = server.command.map((text, at) => [['command', String(at)], text] as const);
    const texts = [...env, ...words].map(([keys, text]) => ({ keys, text, line: undefined }));
    return plaintextIn({ texts }).map((one) => tell(one, `server ${name} of ${paths.config}`));
  });
  const ofClients = clients.flatMap(({ place, servers, problem }) => {
    if (problem !== undefined) {
      const remedy = problem.hint ?? `edit ${place.file}`;
      return [finding('client-file', place.file, { cause: problem.message, remedy })];
    }
    return (servers ?? []).flatMap((server) =>
      plaintextIn(server).map((one) => tell(one, nameOf(place, server))),
    );
  });
  return [...configured, ...ofClients];
}

function tell({ name, keys, line, issuer }: Plaintext, server: string): Finding {
  const where = line === undefined ? '' : `, line ${line}`;
  const subject = `${keys.join('.')} of ${server}${where}`;
  const remedy = `${remedyFor(keys, variableFor(name))}, and have the old one revoked`;
  return issuer === undefined
    ? finding('plaintext-likely', subject, {
        cause: 'it looks like a secret in plain text',
        remedy,
      })
    : finding('plaintext-token', subject, {
        cause: `it holds ${issued(issuer)} in plain text`,
        remedy,
      });
}

const environments = ['env', 'environment', 'envs'];
const words = ['args', 'command', 'cmd'];

/** A reference is read in the environment of what we start, and nowhere else unasked. */
function remedyFor(keys: readonly string[], variable: string): string {
  const set = `mcp secret set ${variable}`;
  if (keys.some((key) => environments.includes(key))) {
    return `${set}, write $<${variable}> in its place, start it through mcp exec`;
  }
  if (keys.some((key) => words.includes(key))) {
    return `${set}, write $<${variable}> into the environment of the entry, since mcp exec reads none in an argument without --allow-args, start it through mcp exec`;
  }
  return `${set} and write $<${variable}> into the environment of a server that mcp exec starts, or move it into a variable of the client`;
}

function issued(issuer: string): string {
  return /^an? /u.test(issuer) ? issuer : `a token of ${issuer}`;
}

/** A name for what a header or an option calls something else. */
function variableFor(name: string): string {
  const text = name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/[^A-Za-z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '')
    .toUpperCase();
  return /^[A-Z]/.test(text) ? text.slice(0, 64) : 'API_TOKEN';
}
