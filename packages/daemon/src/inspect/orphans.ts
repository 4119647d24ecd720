import { readLaunches } from '../running/launch-journal.ts';
import { readStat } from '../platform/proc.ts';
import { createTree } from '../processes/tree.ts';

/** What a killed `mcp exec` left running, with its secrets. */
export interface Orphan {
  readonly launch: string;
  /** A claim. */
  readonly server?: string;
  readonly pids: readonly number[];
}

/**
 * By the journal of the daemon, which ends them itself when it runs or comes back. What `--replace` left is not
 * counted: that was its parent's to end. Reads /proc: where there is none it finds nothing.
 */
export function findOrphans(journal: string): readonly Orphan[] {
  return readLaunches(journal).flatMap(({ launch, server, replaced, wrapper, process: root }) => {
    if (replaced === true || readStat(wrapper.pid)?.startTime === wrapper.startTime) return [];
    const tree = createTree({
      ...(root === undefined ? {} : { root }),
      ownSession: false,
      launch,
      since: wrapper.startTime,
    });
    const pids = tree.living().map(({ pid }) => pid);
    if (pids.length === 0) return [];
    return [{ launch, ...(server === undefined ? {} : { server }), pids }];
  });
}
