import { changeConfig, setInText } from '@mcp-broker/daemon/config';
import { BrokerError } from '@mcp-broker/daemon/protocol';

import { loginPath } from '../login-path.ts';
import { using, type Session } from '../session.ts';

/** Writes the folders that the person's shell has, as `mcp init` does in a new home. */
export async function replacePath(session: Session): Promise<string> {
  const { paths, environment } = session;
  const login = await loginPath(environment);
  if (login?.folders === undefined || login.folders.length === 0) {
    throw new BrokerError('ERR_CONFIG', 'your shell did not say its PATH', {
      hint: `name the folders of your servers in settings.path of ${paths.config}`,
    });
  }
  const { folders } = login;
  await changeConfig(paths.config, (text) => setInText(text, ['settings', 'path'], [...folders]));
  const client = await session.reach();
  if (client !== undefined) await using(client, (reached) => reached.call('config.reload', {}));
  return `settings.path of ${paths.config} now has the ${folders.length} folders of ${login.shell}`;
}
