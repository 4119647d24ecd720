import { hash } from 'node:crypto';
import type { LaunchDescription } from '../protocol/approvals.ts';

/** SHA-256 of the canonical form, hex: what a grant is bound to. Change any part, and it is another. */
export function fingerprint(launch: LaunchDescription): string {
  return hash('sha256', canonical(launch));
}

/**
 * The text that the fingerprint is the digest of; docs/fingerprint.md has the reason for each part. Arrays
 * of a fixed order, so that no two launches have the same text. What has no order of its own is sorted.
 */
export function canonical(launch: LaunchDescription): string {
  const { package: fetched } = launch;
  return JSON.stringify([
    'mcp-broker/fingerprint/v1',
    launch.argv,
    launch.allowArgs,
    launch.files.map(({ role, path, digest }) => [role, path, digest]),
    fetched === undefined
      ? null
      : [fetched.runner, fetched.name, fetched.pinned ?? null, fetched.installed ?? null],
    sorted(launch.environment.map(({ name, value, origin }) => [name, value, origin])),
    sorted(launch.inherited.map(({ name, digest }) => [name, digest])),
    launch.searchPath ?? null,
    launch.workingDirectory ?? null,
    launch.origin,
    sorted(launch.variables.map((v) => [v.reference, v.backend, v.kind, v.origin, v.locator])),
  ]);
}

/** By the UTF-8 bytes of their JSON text, which every language can compare alike. */
function sorted(rows: readonly (readonly string[])[]): readonly (readonly string[])[] {
  return rows
    .map((row) => ({ row, key: Buffer.from(JSON.stringify(row)) }))
    .sort((a, b) => Buffer.compare(a.key, b.key))
    .map(({ row }) => row);
}
