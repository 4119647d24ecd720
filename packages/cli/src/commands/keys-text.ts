import type { KeysStatus } from '@mcp-broker/daemon/protocol';

const names = { keychain: 'the keychain', sealed: 'the sealed file' } as const;

/** Where the keys of the home come from, and whether they are there. */
export function keysText({ source, state }: KeysStatus): string {
  return `of ${names[source]}, ${state}`;
}

/** Why they are not there, and what to do. */
export function lockedKeys({ problem }: KeysStatus): string {
  if (problem === undefined) return 'the sealed file is locked now: mcp unlock';
  return problem.hint === undefined ? problem.message : `${problem.message}: ${problem.hint}`;
}
