import { copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { createHome, expectSuccess, mcpCommand, type Home } from '../kit/home.ts';
import { needs } from '../kit/needs.ts';
import { connectTo } from '../kit/protocol.ts';
import { startPty } from '../kit/pty.ts';

// A home in the strong mode, whose config somebody changes to `presence: terminal` by our own command. No launch runs from
// this process: the daemon would take what descends from it for a server.

let home: Home;
let other: Home;
let id = '';
beforeAll(async () => {
  home = await createHome({ kind: 'sealed' });
  other = await createHome({ kind: 'sealed' });
  await home.set('TOKEN', 'value');
  await configure((text) => text.replace('presence: terminal', 'presence: passphrase'));
  expectSuccess(await home.mcp(['config', 'set', 'settings.presence', 'terminal']));
  const refused = await home.mcp(['exec', '--env', 'TOKEN=$<TOKEN>', '--', '/bin/true']);
  id = /approve (\w{4})$/mu.exec(refused.stderr)?.[1] ?? '';
}, 60_000);
afterAll(async () => {
  await home.remove();
  await other.remove();
});

async function configure(change: (text: string) => string): Promise<void> {
  const file = join(home.broker, 'config.yaml');
  writeFileSync(file, change(readFileSync(file, 'utf8')));
  const client = await connectTo(home);
  await client.call('config.reload', {});
  client.close();
}

/** What `mcp approve` says on a terminal that somebody made; it ends at once when it is refused. */
async function tryToApprove(): Promise<string> {
  const terminal = startPty(mcpCommand, ['approve', id], { env: home.env });
  const [said] = await terminal.see(/settings\.presence asks for the passphrase|code: \w{4}/u);
  if (said.startsWith('code')) terminal.type('\u0003');
  await terminal.ended;
  return said;
}

describe('B4: a config that asks for less presence is not believed', () => {
  needs('python3')('by itself', async ({ expect }) => {
    expect(await tryToApprove()).toBe('settings.presence asks for the passphrase');
  });

  needs('python3')('after an unlock with an identity.age of somebody else', async ({ expect }) => {
    const file = join(home.broker, 'identity.age');
    expectSuccess(await home.mcp(['lock']));
    renameSync(file, `${file}.ours`);
    copyFileSync(join(other.broker, 'identity.age'), file);
    expectSuccess(await home.mcp(['unlock', '--fd', '3'], { fd3: other.passphrase }));
    expectSuccess(await home.mcp(['lock']));
    renameSync(`${file}.ours`, file);
    expectSuccess(await home.mcp(['unlock', '--fd', '3'], { fd3: home.passphrase }));
    expect(await tryToApprove()).toBe('settings.presence asks for the passphrase');
  });
});
