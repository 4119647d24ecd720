import { join } from 'node:path';

import type { AuditVerdict } from '@mcp-broker/daemon/protocol';

import { escape } from '../output/terminal.ts';
import { requireHome } from './home.ts';
import { using, type Session } from './session.ts';

/** Prints whether the audit log is whole; when it is not, that is exit 1. */
export async function verifyAudit(session: Session): Promise<number> {
  const { output, paths } = session;
  requireHome(paths.home);
  const verdict = await using(await session.connect(), async (client) => {
    const finish = output.progress('reading the audit log');
    try {
      return (await client.call('audit.verify', {})).result;
    } finally {
      finish();
    }
  });
  output.result(`${escape(describeVerdict(verdict, paths.audit))}\n`, verdict);
  if (verdict.keys === 'locked') {
    output.note('the MACs were not checked, since the home is locked: mcp unlock');
  }
  if (!verdict.ok)
    output.note(`keep the folder as it is until you know why: ls -la ${paths.audit}`);
  return verdict.ok ? 0 : 1;
}

function describeVerdict(verdict: AuditVerdict, folder: string): string {
  const { ok, lines, covered, sequence, problem, keys } = verdict;
  if (!ok || problem !== undefined) {
    const { file = '', line = 0, message = 'is not whole' } = problem ?? {};
    return `not whole: ${join(folder, file)}:${line} ${message}`;
  }
  const count = `whole: ${lines} ${lines === 1 ? 'line' : 'lines'}`;
  if (keys === 'locked') return `${count}, as far as the chain tells`;
  if (covered === null) return `${count}, none with a MAC yet`;
  const tail = sequence - covered;
  if (tail === 0) return `${count}, up to number ${covered} under a MAC`;
  const rest = tail === 1 ? 'the line after it is not' : `the ${tail} lines after it are not`;
  return `${count}, up to number ${covered} under a MAC; ${rest} yet`;
}
