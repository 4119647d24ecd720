import { getConfig, listConfig, setConfig, type KeyChange } from '@mcp-broker/daemon/config';

import { requireConfig } from '../exec/given-config.ts';
import { table } from '../output/table.ts';
import { escape, json } from '../output/terminal.ts';
import { noteChange, takeConfig, type Taken } from './config-reload.ts';
import { requireHome } from './home.ts';
import type { Session } from './session.ts';

/** Prints what counts at a key: a word as it is, what is not one as JSON. */
export async function getKey(input: { readonly key: string }, session: Session): Promise<number> {
  const { output, paths, configGiven } = session;
  if (configGiven) requireConfig(paths.config);
  const entry = getConfig(paths.config, input.key);
  const { key, value, origin } = entry;
  output.result(typeof value === 'string' ? `${escape(value)}\n` : `${json(value, 2)}\n`, entry);
  if (origin === 'default') output.note(`${key} is not set: this is the default`);
  return 0;
}

/** Prints every key that counts, and where it stands. */
export async function listKeys(session: Session): Promise<number> {
  const { output, paths, configGiven } = session;
  if (configGiven) requireConfig(paths.config);
  const entries = listConfig(paths.config);
  output.result(
    table(
      ['KEY', 'VALUE', 'ORIGIN'],
      entries.map(({ key, value, origin }) => [key, text(value), origin]),
      output.columns,
    ),
    entries,
  );
  return 0;
}

export interface SetKeyInput {
  readonly key: string;
  /** As it was typed: JSON for what is no scalar, `null` for the default. */
  readonly value: string;
}

/** Sets a key in the file, and tells the daemon that runs. */
export async function setKey({ key, value }: SetKeyInput, session: Session): Promise<number> {
  const { output, paths, configGiven } = session;
  if (configGiven) requireConfig(paths.config);
  else requireHome(paths.home);
  const change = await setConfig(paths.config, key, value);
  const taken: Taken | undefined = change.changed ? await takeConfig(session) : undefined;
  output.done(saying(change), { ...change, ...(taken === undefined ? {} : { daemon: taken }) });
  if (taken !== undefined) noteChange(taken, [change.key], session);
  return 0;
}

function saying({ key, value, origin, changed }: KeyChange): string {
  const now = value === undefined ? 'not set' : text(value);
  if (!changed) return `${key} was ${now} already`;
  return origin === 'file' ? `${key} is now ${now}` : `${key} is no longer set: ${now}`;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
