import { readFileSync } from 'node:fs';
import { createKeychainOwnItems } from '@mcp-broker/providers';
import { describe, expect, test } from 'vitest';
import { keychainNeeds, startKeychain } from '../kit/keychain.ts';
import { lacks } from '../kit/needs.ts';
import { createKeychainHome } from './keychain-home.ts';

const call = () => ({ signal: AbortSignal.timeout(60_000) });
const page = new URL('../../docs/keychain.md', import.meta.url);

describe.skipIf(lacks(...keychainNeeds, 'secret-tool'))('another program of the session', () => {
  test('B23: reads what lies in the keychain, as the document says', async () => {
    const keychain = await startKeychain();
    const { provider, access, folder, services, cleanup } = createKeychainHome(keychain, {
      bus: () => keychain.bus,
    });
    try {
      await provider.put?.({ path: 'TOKEN' }, Buffer.from('plain value'), call());
      await createKeychainOwnItems(access, folder).put('key', Buffer.from('own'));
      const look = (service: string, name: string): string =>
        keychain.run('secret-tool', ['lookup', 'service', service, 'username', name]);
      expect(look(services.secrets, 'TOKEN')).toBe('plain value');
      expect(look(services.own, 'key')).toBe('own');
      expect(services.secrets).toMatch(/^mcp-broker\/[0-9a-f]{12}$/u);
    } finally {
      await cleanup();
      await keychain.remove();
    }
  });
});

describe.skipIf(lacks(...keychainNeeds))('without a desktop', () => {
  test('a keyring that is locked is unlocked by the command of the document', async () => {
    const text = readFileSync(page, 'utf8');
    const command = /^ {4}(gnome-keyring-daemon --replace .*)$/mu.exec(text)?.[1] ?? '';
    const keychain = await startKeychain();
    const { provider, cleanup } = createKeychainHome(undefined, { bus: () => keychain.bus });
    try {
      await provider.put?.({ path: 'A' }, Buffer.from('value'), call());
      keychain.lock();
      await expect(provider.get({ path: 'A' }, call())).rejects.toMatchObject({
        code: 'ERR_LOCKED',
      });
      const [program = '', ...args] = command.split(' ');
      keychain.run(program, args);
      const read = async (): Promise<string | undefined> => {
        const secret = await provider.get({ path: 'A' }, call()).catch(() => undefined);
        return secret && Buffer.from(secret.bytes).toString();
      };
      await expect.poll(read, { timeout: 20_000 }).toBe('value');
    } finally {
      await cleanup();
      await keychain.remove();
    }
  });
});
