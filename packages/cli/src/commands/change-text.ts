import type { Change, LaunchPackage, PendingApproval } from '@mcp-broker/daemon/protocol';

import type { Line } from '../output/fold.ts';
import { mark, quoteMarked } from '../output/look-alike.ts';
import type { Style } from '../output/print.ts';
import { escape } from '../output/terminal.ts';

/** What a launch differs in from the one that was approved before, old and new below each other. */
export function changeLines({
  changes,
  launch,
}: Pick<PendingApproval, 'changes' | 'launch'>): Line[] {
  if (changes === undefined || changes.length === 0) return [];
  return [
    line('', 'changed since it was approved:', 'bold'),
    ...changes.flatMap(({ field, before, after }) => [
      line('  ', `${escape(field)}${mark(field)}`),
      side('-', before, 'red'),
      side('+', after, 'green'),
    ]),
    ...(launch.package === undefined
      ? []
      : [line('', versionText(changes, launch.package), 'bold')]),
    line('', 'the whole request:', 'bold'),
  ];
}

function versionText(changes: readonly Change[], { pinned, installed }: LaunchPackage): string {
  if (changes.some(({ field }) => field.endsWith('package version'))) {
    return 'the version of the package has changed';
  }
  return pinned === undefined && installed === undefined
    ? 'whether the version of the package has changed cannot be told'
    : 'the version of the package is the same';
}

function side(sign: string, text: string | null, style: Style): Line {
  return line(`    ${sign} `, text === null ? 'nothing' : quoteMarked(text), style);
}

function line(head: string, text: string, style?: Style): Line {
  return { head, text, ...(style === undefined ? {} : { style }) };
}
