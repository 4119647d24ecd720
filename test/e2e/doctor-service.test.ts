import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { diagnosisOf, idsOf, type Diagnosis } from '../kit/doctor.ts';
import { expectSuccess } from '../kit/home.ts';
import { lacks } from '../kit/needs.ts';
import { startUserManager, type UserManager } from '../kit/user-manager.ts';

let user: UserManager;
const examine = async (): Promise<Diagnosis> => diagnosisOf(await user.mcp(['doctor', '--json']));

describe.skipIf(lacks('linux', 'root', 'systemctl', 'unshare', 'nsenter', 'setpriv', 'python3'))(
  'a daemon that systemd looks after',
  () => {
    beforeAll(async () => {
      user = await startUserManager();
      expectSuccess(await user.mcp(['daemon', 'install']));
    });
    afterAll(async () => {
      await user.remove();
    });

    test('is not started by a look, and its socket is not stale', async () => {
      expectSuccess(await user.mcp(['daemon', 'stop']));
      expect(idsOf(await examine())).toEqual([]);
      const { stdout } = await user.mcp(['daemon', 'status', '--json']);
      expect(JSON.parse(stdout)).toMatchObject({ running: false });
    });

    test('is not started by mcp alone either, nor by mcp status or a Tab', async () => {
      expectSuccess(await user.mcp(['daemon', 'stop']));
      expectSuccess(await user.mcp([]));
      expect(await user.mcp(['status'])).toMatchObject({ code: 69 });
      expectSuccess(await user.mcp(['__complete', 'bash', 'secret', 'show', '']));
      const { stdout } = await user.mcp(['daemon', 'status', '--json']);
      expect(JSON.parse(stdout)).toMatchObject({ running: false });
    });

    test('whose unit starts what is gone is told', async () => {
      const file = join(user.home.folder, '.config/systemd/user/mcp-broker.service');
      const text = readFileSync(file, 'utf8');
      writeFileSync(file, text.replaceAll('/node/bin/node', '/node/bin/gone'));
      const { findings } = await examine();
      expect(findings).toContainEqual(
        expect.objectContaining({
          id: 'service-gone',
          cause: expect.stringContaining('/node/bin/gone, which is no longer there') as string,
          remedy: 'mcp daemon install',
        }),
      );
      writeFileSync(file, text);
      expect(idsOf(await examine())).toEqual([]);
    });
  },
);
