import { builtIn } from './backends.ts';
import { valueAt } from './issues.ts';
import { isPlainName, type Path, type Problem } from './problem.ts';
import { suggest } from './suggest.ts';
import type { YamlFile } from './yaml.ts';

/**
 * What no single value shows: names that lead nowhere, names given twice, keys that need one another.
 * Reads the raw data, so that these problems appear beside those of the schema.
 */
export function checkReferences({ data, lineOf }: YamlFile): Problem[] {
  const problems: Problem[] = [];
  const report = (path: Path, message: string): void => {
    problems.push({ path, line: lineOf(path), message });
  };
  const entries = (...path: Path): [string, unknown][] => {
    const value = valueAt(data, path);
    return typeof value === 'object' && value !== null ? Object.entries(value) : [];
  };
  const text = (path: Path): string | undefined => {
    const value = valueAt(data, path);
    return typeof value === 'string' ? value : undefined;
  };
  const known = (path: Path, names: ReadonlySet<string>, what: string): void => {
    const name = text(path);
    if (name === undefined || names.has(name)) return;
    // Names of targets are values of the file: only those that are names and nothing else are shown.
    const meant = suggest(name, [...names].filter(isPlainName));
    report(
      path,
      `no ${what} has this name${meant === undefined ? '' : `: did you mean ${meant}?`}`,
    );
  };

  const backends = new Set([...Object.keys(builtIn), ...entries('backends').map(([name]) => name)]);
  known(['settings', 'default_backend'], backends, 'backend');
  for (const [name] of entries('variables')) {
    known(['variables', name, 'backend'], backends, 'backend');
    checkRotation(['variables', name, 'rotate']);
  }
  for (const [name] of entries('backends')) {
    const kind = text(['backends', name, 'kind']);
    const own = Object.entries(builtIn).find(([, ofKind]) => ofKind === kind)?.[0];
    if (Object.hasOwn(builtIn, name) && kind !== builtIn[name] && kind !== undefined) {
      report(['backends', name, 'kind'], `the backend ${name} always has kind ${builtIn[name]}`);
    } else if (own !== undefined && own !== name) {
      report(['backends', name, 'kind'], `the only backend of this kind is called ${own}`);
    }
  }

  const sshServers = checkNames('ssh_servers');
  checkNames('kubernetes_clusters');
  checkNames('docker_hosts');
  for (const index of entries('ssh_servers').keys())
    known(['ssh_servers', index, 'jump'], sshServers, 'ssh server');
  for (const index of entries('docker_hosts').keys()) {
    const entry = ['docker_hosts', index] as const;
    known([...entry, 'ssh_server'], sshServers, 'ssh server');
    const ways = ['ssh_server', 'ssh_config'].filter(
      (key) => valueAt(data, [...entry, key]) !== undefined,
    );
    if (ways.length === 2) report([...entry, 'ssh_config'], 'cannot stand beside ssh_server');
  }
  return problems;

  function checkNames(section: string): ReadonlySet<string> {
    const first = new Map<string, number>();
    for (const index of entries(section).keys()) {
      const path = [section, index, 'name'];
      const name = text(path);
      if (name === undefined) continue;
      const earlier = first.get(name);
      if (earlier === undefined) first.set(name, lineOf(path));
      else report(path, `the same name as on line ${earlier}`);
    }
    return new Set(first.keys());
  }

  function checkRotation(path: Path): void {
    const has = (key: string): boolean => valueAt(data, [...path, key]) !== undefined;
    if (entries(...path).length === 0) return;
    if (has('every') === has('cron')) report(path, 'must have either every or cron');
    if (text([...path, 'method']) === 'command' && !has('command')) {
      report(path, 'method: command needs a command');
    }
  }
}
