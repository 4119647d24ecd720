import type { LaunchDescription } from '../protocol/approvals.ts';

/** A launch, and how it is told from others. */
export interface KnownLaunch {
  readonly launch: LaunchDescription;
  readonly fingerprint: string;
  /** A claim. */
  readonly server?: string;
}

/**
 * Of the known launches, oldest first, the one that is most like this one. The same server claim and
 * command come before the same first file and origin; among equals it is the one that shares most files,
 * then the latest.
 */
export function mostSimilar(
  known: Iterable<KnownLaunch>,
  wanted: KnownLaunch,
): LaunchDescription | undefined {
  let best: LaunchDescription | undefined;
  let bestRank = 0;
  const paths = new Set(wanted.launch.files.map(({ path }) => path));
  for (const one of known) {
    const rank = likeness(one, wanted, paths);
    if (rank > 0 && rank >= bestRank) [best, bestRank] = [one.launch, rank];
  }
  return best;
}

const sameLaunch = 3;
const sameServer = 2;
const sameFile = 1;

function likeness(one: KnownLaunch, wanted: KnownLaunch, paths: ReadonlySet<string>): number {
  if (one.fingerprint === wanted.fingerprint) return sameLaunch;
  const [a, b] = [one.launch, wanted.launch];
  let kind = 0;
  if (wanted.server !== undefined && one.server === wanted.server && a.argv[0] === b.argv[0]) {
    kind = sameServer;
  } else if (a.files[0]?.path === b.files[0]?.path && a.origin === b.origin) {
    kind = sameFile;
  }
  if (kind === 0) return 0;
  const files = a.files.filter(({ path }) => paths.has(path)).length;
  const isSamePackage = a.package !== undefined && a.package.name === b.package?.name;
  const common = files + (isSamePackage ? 1 : 0);
  // That both run under Node, say, is no likeness.
  if (kind === sameFile && common === 1 && a.files.length + b.files.length > 2) return 0;
  // Below 1, so that it tells apart those of one kind alone.
  return kind + common / (common + 1);
}
