import { becomes } from '@mcp-broker/daemon/client-files';
import {
  formatReference,
  hasReference,
  parseTemplate,
  type GrantSummary,
  type Reference,
} from '@mcp-broker/daemon/protocol';

import type { Facts } from './facts.ts';
import { finding, type Finding } from './finding.ts';
import { programIn, serversIn, type ServerFact } from './servers.ts';

/** References: that somebody reads them, that they lead somewhere, and that they were approved. */
export function checkReferences(facts: Facts): readonly Finding[] {
  return serversIn(facts).flatMap((server) => {
    if (server.client !== undefined && server.wrapped.kind === 'no') return checkUnread(server);
    return [
      ...checkReplaced(server),
      ...checkArguments(server),
      ...checkKnown(server, facts),
      ...checkApproved(server, facts),
    ];
  });
}

/** The server gets the text of the reference itself. */
function checkUnread({ subject, texts, command, file }: ServerFact): readonly Finding[] {
  if (startsUs(command)) return [];
  return texts
    .filter(([, text]) => hasReference(text, 'angle'))
    .map(([name]) =>
      finding('reference-unread', `${name} of ${subject}`, {
        cause: 'it is a reference, and nothing replaces it: the entry does not start mcp exec',
        remedy: `put mcp exec -- before ${programIn(command[0] ?? '')} in ${file}`,
      }),
    );
}

/** By another program, in a way that is not read here: `wsl mcp exec …`, `sh -c 'mcp exec …'`, `npx @mcp-broker/cli exec …`. */
function startsUs(command: readonly string[]): boolean {
  const words = command.flatMap((word) => word.split(/[\s'"]+/u));
  const at = words.findIndex((word) =>
    /(?:^|\/)mcp(?:-broker)?$|^@mcp-broker\/cli(?:@|$)/u.test(word),
  );
  return at !== -1 && words.slice(at).some((word) => word === 'exec' || word === 'run');
}

function checkReplaced({ subject, client, texts, file }: ServerFact): readonly Finding[] {
  if (client === undefined) return [];
  return texts.flatMap(([name, text]) => {
    const fate = becomes(client.client, text);
    if (fate === undefined) return [];
    const remedy = `write $<NAME> in ${file}, which no client replaces`;
    const of = `${name} of ${subject}`;
    return fate === 'nothing'
      ? finding('reference-emptied', of, {
          cause: `${client.client} replaces it by nothing before mcp can read it`,
          remedy,
        })
      : finding('reference-replaced', of, {
          cause: `${client.client} may replace it by a variable of its own before mcp can read it`,
          remedy,
        });
  });
}

function checkArguments({ subject, program, wrapped, file }: ServerFact): readonly Finding[] {
  if (wrapped.kind === 'exec' && wrapped.input.allowArgs) return [];
  if (!(program ?? []).slice(1).some((text) => hasReference(text, 'angle'))) return [];
  return [
    finding('launch-unreadable', subject, {
      cause: 'a reference stands in an argument, which every process can read, so it is refused',
      remedy: `move it into the environment of the entry in ${file}`,
    }),
  ];
}

function checkKnown({ subject, texts }: ServerFact, facts: Facts): readonly Finding[] {
  return referencesIn(texts).flatMap((reference) => {
    const cause = unknownBecause(reference, facts);
    if (cause === undefined) return [];
    const written = formatReference(reference);
    const remedy =
      reference.kind === 'variable'
        ? `mcp secret set ${reference.name}`
        : `edit ${facts.paths.config}, or the reference`;
    return finding('reference-unknown', `${written} of ${subject}`, { cause, remedy });
  });
}

function unknownBecause(reference: Reference, { config, daemon }: Facts): string | undefined {
  const { backends, variables, settings } = config?.config ?? {};
  if (backends === undefined) return undefined;
  if (reference.kind === 'locator') {
    if (Object.hasOwn(backends, reference.backend)) return undefined;
    return `there is no backend ${reference.backend}`;
  }
  const { name, fallback } = reference;
  const { secrets, status } = daemon;
  // Somebody wrote what is to stand in for it.
  if (fallback !== undefined || secrets === undefined) return undefined;
  const backend = variables?.[name]?.backend ?? settings?.defaultBackend ?? '';
  const isListed = status?.backends.some((one) => one.name === backend && one.state === 'ready');
  if (isListed !== true || secrets.some((secret) => secret.name === name)) return undefined;
  return `backend ${backend} has no such secret`;
}

function checkApproved({ subject, program, texts }: ServerFact, facts: Facts): readonly Finding[] {
  const { grants } = facts.daemon;
  if (grants === undefined || program === undefined) return [];
  const references = referencesIn(texts).filter((one) => isToBeHad(one, facts));
  const left = references.filter(
    (reference) => !grants.some((grant) => isFor(grant, program, reference, facts.now)),
  );
  if (left.length === 0) return [];
  const names = [...new Set(left.map(nameOf))].join(', ');
  return [
    finding('reference-unapproved', subject, {
      cause: `it may not have ${names} yet`,
      remedy: 'start it once from its client, then: mcp approve',
    }),
  ];
}

/** What is not there is told above, or its default stands in for it. */
function isToBeHad(reference: Reference, facts: Facts): boolean {
  if (unknownBecause(reference, facts) !== undefined) return false;
  if (reference.kind === 'locator' || reference.fallback === undefined) return true;
  return facts.daemon.secrets?.some(({ name }) => name === reference.name) ?? true;
}

/** As far as a grant shows of what it is for. What else counts in the fingerprint, the next launch tells. */
function isFor(
  { outcome, argv, variables, until }: GrantSummary,
  program: readonly string[],
  reference: Reference,
  now: number,
): boolean {
  return (
    outcome === 'allowed' &&
    argv.length === program.length &&
    argv.every((word, index) => word === program[index]) &&
    variables.includes(nameOf(reference)) &&
    (until === undefined || Date.parse(until) > now)
  );
}

/** As the daemon names it in a grant. */
function nameOf(reference: Reference): string {
  return reference.kind === 'variable' ? reference.name : formatReference(reference);
}

function referencesIn(texts: ServerFact['texts']): readonly Reference[] {
  const found = texts.flatMap(([, text, forms]) =>
    parseTemplate(text, forms).filter((part) => typeof part !== 'string'),
  );
  return [...new Map(found.map((one) => [formatReference(one), one])).values()];
}
