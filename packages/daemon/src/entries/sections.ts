import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ClientRules } from './clients.ts';
import { isMapping, valueAt, type Document } from './document.ts';
import { badFile } from './problem.ts';

/** One section of a file that holds servers. */
export interface Servers {
  /** The keys that lead to it. */
  readonly path: readonly string[];
  readonly names: readonly string[];
}

/** In the order in which they count: of two servers with the same name it is the first. */
export function serversOf(
  file: string,
  document: Document,
  data: Readonly<Record<string, unknown>>,
  { key, projects }: ClientRules,
  workingDirectory: string,
): readonly Servers[] {
  const paths: (readonly string[])[] = [[key]];
  if (projects === true && isMapping(data['projects'])) {
    const project = projectIn(data['projects'], workingDirectory);
    if (project !== undefined) paths.unshift(['projects', project, key]);
  }
  return paths.flatMap((path) => {
    const section = valueAt(data, path);
    if (section === undefined) return [];
    if (isMapping(section)) return [{ path, names: Object.keys(section) }];
    throw badFile(file, document.lineOf(path), `${key} has to hold names with values`);
  });
}

/** Claude Code keeps a project under the root of its git repository, or else under its own folder. */
function projectIn(
  projects: Readonly<Record<string, unknown>>,
  folder: string,
): string | undefined {
  const known = (path: string): string | undefined =>
    Object.hasOwn(projects, path) ? path : undefined;
  const root = gitRoot(folder);
  if (root === undefined) return known(folder);
  for (let at = folder; at !== root; at = dirname(at)) {
    if (known(at) !== undefined) return at;
  }
  return known(root);
}

function gitRoot(folder: string): string | undefined {
  if (existsSync(join(folder, '.git'))) return folder;
  const above = dirname(folder);
  return above === folder ? undefined : gitRoot(above);
}
