import { BrokerError } from '@mcp-broker/daemon/protocol';

import type { Line } from '../output/fold.ts';
import { page } from '../output/pager.ts';
import type { Terminal } from '../output/prompt.ts';
import { escape } from '../output/terminal.ts';
import type { Session } from './session.ts';

/** What a person sees before a code is typed, and what is said when it is not. */
export interface CodeRequest {
  readonly lines: readonly Line[];
  /** Given by the daemon for what `lines` show, and shown below all of them. */
  readonly code: string;
  readonly question: string;
  /** What was not done: `request 7F3A is not approved, and still waits`. */
  readonly refused: string;
  /** Commands to type instead. */
  readonly hint: string;
}

/** After a text of several pages, as often: whoever leafs by Enter presses it once too often. */
const triesAfterPages = 3;

/** Shows everything, then the code, and gives what is typed. Throws `ERR_NOT_APPROVED` when nothing is. */
export async function askForCode(
  terminal: Terminal,
  { output }: Session,
  { lines, code, question, refused, hint }: CodeRequest,
): Promise<string> {
  const last: Line = { head: '', text: `code: ${escape(code)}`, style: 'bold' };
  const shown = await page(terminal, [...lines, last], output.paint);
  const tries = { whole: 1, paged: triesAfterPages, quit: 0 }[shown];
  for (let tried = 0; tried < tries; tried++) {
    const typed = await terminal.ask(question, { hidden: false, fresh: true });
    const text = typed.toString().trim();
    if (text !== '') return text;
  }
  const why = shown === 'quit' ? 'given up before its end' : 'no code was typed';
  throw new BrokerError('ERR_NOT_APPROVED', `${why}: ${refused}`, { hint });
}
