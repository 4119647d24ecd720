import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { openIdentityFile } from '@mcp-broker/providers';
import { afterEach, expect } from 'vitest';
import { createHome, expectSuccess, type Home } from '../kit/home.ts';
import { needs } from '../kit/needs.ts';
import { countInMemory } from '../kit/process-memory.ts';

let home: Home | undefined;
afterEach(async () => {
  await home?.remove();
});

needs('root', 'linux')(
  'A13: a locked daemon holds no value, no passphrase and no key in its memory',
  async () => {
    home = await createHome({ kind: 'sealed' });
    // Of no more than 64 bytes, which V8 would keep on its own heap.
    const token = randomBytes(30).toString('base64url');
    await home.set('TOKEN', token);
    const launch = ['--env', 'TOKEN=$<TOKEN>', '--', '/bin/true'];
    await home.approve(launch);
    for (let round = 0; round < 10; round += 1) expectSuccess(await home.mcp(['exec', ...launch]));
    const { stdout } = expectSuccess(await home.mcp(['status', '--json']));
    const { pid } = JSON.parse(stdout) as { pid: number };
    const passphrase = Buffer.from(home.passphrase);
    const looked = new Map<string, Uint8Array>([
      ['value', Buffer.from(token)],
      ['value in base64', Buffer.from(Buffer.from(token).toString('base64'))],
      ['passphrase', passphrase],
      ['key', await openIdentityFile(join(home.broker, 'identity.age'), passphrase)],
    ]);
    const count = async (): Promise<Record<string, number>> => {
      const counts: Record<string, number> = {};
      for (const [what, bytes] of looked) counts[what] = await countInMemory(pid, bytes);
      return counts;
    };

    const unlocked = await count();
    // The one in the cache, and no trace of ten launches.
    expect(unlocked).toMatchObject({ value: 1, 'value in base64': 0, passphrase: 0 });
    expect(unlocked['key'], 'the one in the keyring').toBeGreaterThan(0);
    expectSuccess(await home.mcp(['lock']));
    expectSuccess(await home.mcp(['unlock', '--fd', '3'], { fd3: `${home.passphrase}\n` }));
    expectSuccess(await home.mcp(['lock']));
    // What was under way at the lock may still let go of a key.
    await expect
      .poll(count, { timeout: 5000, interval: 500 })
      .toEqual({ value: 0, 'value in base64': 0, passphrase: 0, key: 0 });
  },
);
