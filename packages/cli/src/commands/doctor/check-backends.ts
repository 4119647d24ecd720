import { keychainProblemOf } from '@mcp-broker/daemon/inspect';
import type { ErrorShape } from '@mcp-broker/daemon/protocol';

import type { Facts } from './facts.ts';
import { finding, type Finding } from './finding.ts';

/** The stores that variables lie in. */
export function checkBackends(facts: Facts): readonly Finding[] {
  const { daemon, keychainProblem } = facts;
  // What keeps the home closed is told once.
  const isTold = daemon.status?.keys.problem !== undefined;
  const kinds = new Map(daemon.status?.backends.map(({ name, kind }) => [name, kind]));
  const problems = [...daemon.backendProblems].filter(
    ([name]) => !isTold || kinds.get(name) !== 'keychain',
  );
  return [
    ...checkSealedFiles(facts),
    ...problems.map(([name, problem]) => unusable(name, problem)),
    ...(keychainProblem === undefined ? [] : [unusable('keychain', keychainProblem)]),
  ];
}

function checkSealedFiles({ daemon, files, paths }: Facts): readonly Finding[] {
  const sealed = (daemon.status?.backends ?? []).filter(({ kind }) => kind === 'sealed-file');
  return sealed.flatMap(({ name, state }) => {
    if (state === 'locked') {
      return [finding('backend-locked', name, { cause: 'it is locked', remedy: 'mcp unlock' })];
    }
    // What keeps its file from being read, or that there is none, is told of the file.
    const file = files.find(({ path }) => path === paths.secrets);
    if (state !== 'missing' || file === undefined || (file.mode & 0o077) !== 0) return [];
    const remedy = 'mcp secret list, which says why';
    return [finding('backend-missing', name, { cause: 'what it holds cannot be read', remedy })];
  });
}

function unusable(name: string, problem: ErrorShape): Finding {
  const { code, message: cause, hint: remedy = `mcp backend test ${name}` } = problem;
  const found = keychainProblemOf(problem) ?? '';
  const id = Object.hasOwn(ofKeychain, found) ? ofKeychain[found] : undefined;
  const other = code === 'ERR_LOCKED' ? 'backend-locked' : 'backend-unavailable';
  return finding(id ?? other, name, { cause, remedy });
}

/** Those of its problems that have a name of their own; the others are as those of any backend. */
const ofKeychain: Readonly<
  Record<string, 'keychain-no-bus' | 'keychain-absent' | 'keychain-locked'>
> = {
  'no-bus': 'keychain-no-bus',
  'no-keychain': 'keychain-absent',
  locked: 'keychain-locked',
};
