import { createHash } from 'node:crypto';
import type { EnvironmentEntry } from '../protocol/messages.ts';

/** What is launched, in the form that the fingerprint is a digest of. */
export interface LaunchDescription {
  readonly executable: string;
  readonly digest: string;
  readonly args: readonly string[];
  readonly allowArgs: boolean;
  readonly environment: readonly EnvironmentEntry[];
  readonly variables: readonly {
    readonly reference: string;
    readonly backend: string;
    readonly kind: string;
    readonly locator: string;
  }[];
}

/**
 * The digest that a grant is bound to: change any part, and it is another launch. The order of
 * environment entries and variables does not count, the order of arguments does.
 */
export function fingerprint(launch: LaunchDescription): string {
  const canonical = JSON.stringify([
    'mcp-broker/fingerprint/v1',
    launch.executable,
    launch.digest,
    launch.args,
    launch.allowArgs,
    launch.environment.map((entry) => [entry.name, entry.value, entry.origin]).sort(byText),
    launch.variables.map((v) => [v.reference, v.backend, v.kind, v.locator]).sort(byText),
  ]);
  return createHash('sha256').update(canonical).digest('hex');
}

function byText(a: readonly string[], b: readonly string[]): number {
  const [left, right] = [JSON.stringify(a), JSON.stringify(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}
