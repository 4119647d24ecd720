import { resolve } from 'node:path';

/** What was given with a call to choose its home. */
export interface Places {
  readonly home?: string | undefined;
  readonly config?: string | undefined;
}

/**
 * A text that names commands to type, with the options that chose the home of this call: without them
 * the command would act on another home, or on none.
 */
export function addressed(text: string, { home, config }: Places): string {
  const options =
    (home === undefined ? '' : `--home ${word(resolve(home))} `) +
    (config === undefined ? '' : `--config ${word(resolve(config))} `);
  return options === '' ? text : text.replace(/(?<![\w./-])mcp (?=[a-z])/g, () => `mcp ${options}`);
}

/** As one word of a POSIX shell. */
export function word(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
