import { BrokerError } from '@mcp-broker/providers/errors';

/** What was found, and the PATH that found it. */
export interface Sought<Result> {
  readonly result: Result;
  readonly searchPath: string | null;
}

/** Where `execvp` looks without a PATH. */
const withoutPath = '/usr/bin:/bin';

/**
 * Looks with the server's own PATH, and where a command is not found there, with `settings.path` behind it:
 * a client that was started from a desktop seldom has the folders of nvm, Homebrew or asdf. Its own
 * folders come first, so that nothing else runs than what it finds. Throws `ERR_COMMAND_NOT_FOUND`, which
 * says where was looked.
 */
export async function searching<Result>(
  own: string | null,
  settingsPath: readonly string[] | undefined,
  look: (searchPath: string | null) => Result | Promise<Result>,
): Promise<Sought<Result>> {
  try {
    return { result: await look(own), searchPath: own };
  } catch (error) {
    const name = soughtName(error);
    if (name === undefined) throw error;
    const folders = (own ?? withoutPath).split(':');
    const more = (settingsPath ?? []).filter((folder) => !folders.includes(folder));
    if (more.length === 0) throw notFound(name, folders);
    const all = [...folders, ...more];
    try {
      return { result: await look(all.join(':')), searchPath: all.join(':') };
    } catch (again) {
      throw soughtName(again) === undefined ? again : notFound(soughtName(again) ?? name, all);
    }
  }
}

/** The name that PATH did not find. */
function soughtName(error: unknown): string | undefined {
  if (!(error instanceof BrokerError) || error.code !== 'ERR_COMMAND_NOT_FOUND') return undefined;
  return error.subject?.includes('/') === false ? error.subject : undefined;
}

function notFound(name: string, folders: readonly string[]): BrokerError {
  return new BrokerError(
    'ERR_COMMAND_NOT_FOUND',
    `command not found: ${name} (in ${folders.join(':')})`,
    {
      hint: 'give the full path, or add its folder to the PATH of the client or to settings.path in config.yaml',
      subject: name,
    },
  );
}
