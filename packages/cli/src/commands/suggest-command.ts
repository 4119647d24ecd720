import { suggest } from '@mcp-broker/daemon/protocol';

import { isGroup, type Spec } from './spec.ts';
import { tree } from './tree.ts';

/** What people type out of habit of other commands. */
const habits: Readonly<Record<string, string>> = {
  add: 'set',
  cat: 'show',
  cfg: 'config',
  create: 'set',
  del: 'rm',
  delete: 'rm',
  get: 'show',
  grants: 'approvals',
  log: 'logs',
  ls: 'list',
  pending: 'approvals',
  put: 'set',
  read: 'show',
  reject: 'deny',
  remove: 'rm',
  reveal: 'show',
  setup: 'init',
  store: 'set',
};

const most = 3;

/**
 * The commands that may have been meant by a word that is none, in full: `mcp secret list`. First what is
 * near it where it stands, then what has that name elsewhere, then what is near it there.
 */
export function suggestCommands(word: string, path: readonly string[]): readonly string[] {
  const here = levelOf(path);
  const typed = word.toLowerCase();
  const meant = [typed, habits[typed] ?? typed, typed.replace(/s$/u, ''), `${typed}s`];
  const prefix = ['mcp', ...path].join(' ');
  const named = (names: readonly string[]): string | undefined =>
    meant.find((each) => names.includes(each));

  const names = here.map(({ name }) => name);
  const exact = named(names);
  if (exact !== undefined) return [`${prefix} ${exact}`];
  const elsewhere = tree.filter(isGroup).flatMap((group) => {
    const found = named(group.commands.map(({ name }) => name));
    return found === undefined ? [] : [`mcp ${group.name} ${found}`];
  });
  if (elsewhere.length > 0 && path.length === 0) return elsewhere.slice(0, most);
  const above = named(tree.map(({ name }) => name));
  if (above !== undefined) return [`mcp ${above}`];
  const near = suggest(typed, names);
  if (near !== undefined) return [`${prefix} ${near}`];
  if (elsewhere.length > 0) return elsewhere.slice(0, most);
  return tree
    .flatMap((spec) => {
      const found = isGroup(spec)
        ? suggest(
            typed,
            spec.commands.map(({ name }) => name),
          )
        : suggest(typed, [spec.name]);
      if (found === undefined) return [];
      return [isGroup(spec) ? `mcp ${spec.name} ${found}` : `mcp ${found}`];
    })
    .slice(0, most);
}

function levelOf(path: readonly string[]): readonly Spec[] {
  let level = tree;
  for (const name of path) {
    const spec = level.find((each) => each.name === name);
    level = spec !== undefined && isGroup(spec) ? spec.commands : [];
  }
  return level;
}
