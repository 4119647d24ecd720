import { lookUp } from './lookup.ts';
import type { Draft } from './references.ts';
import type { ServerProgram } from './server.ts';
import { fillIn } from './values.ts';

/** What is started without a word of the daemon's on its content: it gets nothing of ours. */
export function plainProgram(draft: Draft, cwd?: string, searchPath?: string): ServerProgram {
  const { args, environment } = fillIn(draft, () => '');
  if (searchPath !== undefined) environment['PATH'] = searchPath;
  const path = lookUp(draft.command, environment['PATH'], cwd);
  return { path, file: path, name: draft.command, args, environment, cwd };
}
