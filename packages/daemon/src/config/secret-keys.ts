import type { ErrorShape } from '@mcp-broker/providers/errors';
import { formatPath, isPlainName, showName, type Path, type Problem } from './problem.ts';
import type { YamlFile } from './yaml.ts';

/** No value in the file is ever a secret. These keys would hold one; none of them is in the schema. */
const secretKey =
  /^(value|(.*[_-])?(pass(word|wd|phrase)|secret|token|secret[_-]?id|(api|private|access|secret|tls|account)?[_-]?key|credentials?))$/i;
const camelSecretKey = /(Password|Passphrase|Secret|Token|Key)$/;

export function isSecretKey(path: Path): boolean {
  const key = String(path.at(-1));
  return secretKey.test(key) || camelSecretKey.test(key);
}

/** For a secret anywhere but in a target. */
export function secretProblem(path: Path, line: number): Problem {
  const [section, name] = path;
  const variable =
    section === 'variables' && typeof name === 'string' && isPlainName(name)
      ? name
      : variableFor(path.slice(path.length > 1 ? 1 : 0).join('_'));
  return {
    path,
    line,
    message: 'no value in this file is ever a secret',
    hint: `remove ${formatPath(path)} and keep its value with: mcp secret set ${variable}`,
  };
}

/** The kinds of targets, and the keys that name the variable of a login instead of holding it. */
const targets = {
  ssh_servers: { what: 'ssh server', password: 'password_variable', key: 'key_variable' },
  kubernetes_clusters: {
    what: 'kubernetes cluster',
    password: 'token_variable',
    key: 'token_variable',
  },
  docker_hosts: { what: 'docker host', password: undefined, key: 'tls_key_variable' },
} as const;

export interface SetAside {
  /** `ssh_servers` → indexes of the entries that cannot be used. */
  readonly entries: ReadonlyMap<string, ReadonlySet<number>>;
  readonly unusable: readonly ErrorShape[];
}

/**
 * Takes the secrets out of the targets' data. An entry with one stays readable for the earlier tool but
 * is of no use to us; the rest of the file is not its hostage.
 */
export function setAsideSecrets({ data, lineOf }: YamlFile, file: string): SetAside {
  const entries = new Map<string, Set<number>>();
  const unusable: ErrorShape[] = [];
  for (const [section, kind] of Object.entries(targets)) {
    const list = isRecord(data) ? data[section] : undefined;
    if (!Array.isArray(list)) continue;
    const found = new Set<number>();
    for (const [index, entry] of list.entries()) {
      for (const path of takeSecrets(entry, [section, index])) {
        found.add(index);
        unusable.push(explain(kind, entry, path, lineOf(path), file));
      }
    }
    entries.set(section, found);
  }
  return { entries, unusable };
}

function takeSecrets(entry: unknown, path: Path): Path[] {
  if (!isRecord(entry)) return [];
  const taken: Path[] = [];
  for (const key of Object.keys(entry)) {
    if (key === 'ssh_config') {
      taken.push(...takeSecrets(entry[key], [...path, key]));
    } else if (isSecretKey([key])) {
      delete entry[key];
      taken.push([...path, key]);
    }
  }
  return taken;
}

type Kind = (typeof targets)[keyof typeof targets];

function explain(kind: Kind, entry: unknown, path: Path, line: number, file: string): ErrorShape {
  const given = isRecord(entry) ? entry['name'] : undefined;
  const name =
    typeof given === 'string' && isPlainName(given) ? given : formatPath(path.slice(0, 2));
  const key = String(path.at(-1));
  const isPassword = /^(password|passwd|token)$/i.test(key);
  const instead = isPassword ? kind.password : kind.key;
  const variable = variableFor(`${name}_${isPassword ? key : 'key'}`);
  const nested = path.includes('ssh_config') || instead === undefined;
  return {
    code: 'ERR_CONFIG',
    subject: name,
    message: `${kind.what} ${name} cannot be used: ${file} holds its ${showName(key)} (line ${line})`,
    hint: nested
      ? `remove ${formatPath(path)}; an entry under ssh_servers with a password_variable or key_variable, named by ssh_server, takes its place`
      : `mcp secret set ${variable}, then in the entry \`${instead}: ${variable}\` instead of \`${showName(key)}\``,
  };
}

/** `legacy-box_password` as `LEGACY_BOX_PASSWORD`. */
function variableFor(text: string): string {
  const name = text
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '');
  return /^[A-Z]/.test(name) ? name.slice(0, 64) : `SECRET_${name}`.slice(0, 64);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
