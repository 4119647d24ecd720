import { afterAll, beforeAll, test } from 'vitest';
import { startUserManager, type UserManager } from '../kit/user-manager.ts';
let user: UserManager;
beforeAll(async () => {
  user = await startUserManager();
}, 60_000);
afterAll(async () => {
  await user?.remove();
}, 60_000);
test('try', async () => {
  const bus = `unix:path=${user.home.folder}/run/bus`;
  const env = { DBUS_SESSION_BUS_ADDRESS: bus };
  console.log(await user.systemctl('show-environment'));
  console.log(
    await user.run('sh', ['-c', 'printf pw | gnome-keyring-daemon --unlock --components=secrets'], {
      env,
    }),
  );
  console.log(await user.mcp(['daemon', 'install'], { env }));
  console.log(
    await user.mcp(['secret', 'set', 'K', '--stdin', '--backend', 'keychain'], { input: 'v', env }),
  );
  console.log(await user.mcp(['backend', 'test'], { env }));
  console.log(await user.mcp(['status'], { env }));
  console.log(await user.mcp(['secret', 'mv', 'K', '--to', 'sealed'], { env }));
  console.log(await user.mcp(['daemon', 'logs'], { env }));
});
