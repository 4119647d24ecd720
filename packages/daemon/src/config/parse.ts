import { createHash } from 'node:crypto';
import { problemsOf } from './issues.ts';
import { configError, type Problem } from './problem.ts';
import { checkReferences } from './references.ts';
import { validate } from './schema.ts';
import { setAsideSecrets } from './secret-keys.ts';
import type { LoadedConfig } from './types.ts';
import { readYaml } from './yaml.ts';

/**
 * Parses the text of a config file. Throws one `ERR_CONFIG` that names every problem by key and line,
 * and never a value.
 */
export function parseConfig(text: string, file: string): LoadedConfig {
  const found = readText(text, file);
  if ('problems' in found) throw configError(file, found.problems);
  return found.loaded;
}

/** The text as config, and as the plain data that it stands for (no secret is left in that), or what is wrong. */
export type ReadText =
  | { readonly loaded: LoadedConfig; readonly data: unknown }
  | { readonly problems: readonly Problem[] };

export function readText(text: string, file: string): ReadText {
  const yaml = readYaml(text);
  if (!('data' in yaml)) return { problems: yaml };
  dropEmpty(yaml.data);
  const { entries, unusable } = setAsideSecrets(yaml, file);
  const result = validate(yaml.data);
  const problems = [
    ...('issues' in result ? problemsOf(result.issues, yaml) : []),
    ...checkReferences(yaml),
  ];
  if (!('config' in result) || problems.length > 0) return { problems };
  const { config } = result;
  const loaded: LoadedConfig = {
    config: {
      ...config,
      sshServers: without(config.sshServers, entries.get('ssh_servers')),
      kubernetesClusters: without(config.kubernetesClusters, entries.get('kubernetes_clusters')),
      dockerHosts: without(config.dockerHosts, entries.get('docker_hosts')),
    },
    state: 'loaded',
    unusable,
    digest: createHash('sha256').update(text).digest('hex'),
  };
  return { loaded, data: yaml.data };
}

/** What holds without a file. */
export function absentConfig(): LoadedConfig {
  const result = validate({ version: '1.0' });
  if ('issues' in result) throw new TypeError('the defaults do not fit the schema');
  return { config: result.config, state: 'absent', unusable: [], digest: '' };
}

function without<Entry>(
  list: readonly Entry[],
  unusable: ReadonlySet<number> | undefined,
): Entry[] {
  return list.filter((_, index) => unusable?.has(index) !== true);
}

/** Sections whose keys are ours; in the others a name of the user's with nothing behind it is a mistake. */
const fixed = ['settings', 'audit', 'ssh_servers', 'kubernetes_clusters', 'docker_hosts'];

/** A key with nothing behind it (`servers:` with all of it commented out) is as if it were not there. */
function dropEmpty(data: unknown): void {
  if (!isObject(data)) return;
  for (const [key, value] of Object.entries(data)) {
    if (value === null) delete data[key];
    else if (fixed.includes(key)) dropEmptyBelow(value);
  }
}

function dropEmptyBelow(value: unknown): void {
  if (!isObject(value)) return;
  for (const [key, below] of Object.entries(value)) {
    // An empty item of a list stays, to be refused.
    if (below === null && !Array.isArray(value)) delete value[key];
    else dropEmptyBelow(below);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
