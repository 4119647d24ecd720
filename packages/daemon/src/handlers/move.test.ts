import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BrokerError, Secret, type Provider } from '@mcp-broker/providers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Broker } from '../broker.ts';
import { createCache } from '../cache.ts';
import { systemClock } from '../clock.ts';
import { readConfig } from '../config/index.ts';
import type { Context } from '../listener/handler.ts';
import { createVault } from '../memory.ts';
import { createResolver } from '../resolver.ts';
import { peerOf } from '../testing/fake-machine.ts';
import { moveHandlers } from './move.ts';
import { secretHandlers } from './secret.ts';

const text = `version: "1.0"
settings:
  default_backend: sealed # ours
variables:
  # with a life of its own
  TOKEN: { ttl: 1m }
`;

let folder: string;
let file: string;
let stores: Record<'sealed-file' | 'keychain', Map<string, string>>;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'move-'));
  file = join(folder, 'config.yaml');
  writeFileSync(file, text, { mode: 0o600 });
  stores = { 'sealed-file': new Map([['TOKEN', 'value']]), keychain: new Map() };
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

interface Options {
  /** It is killed before or after one of the things that another can see. */
  readonly lastDeed?: number;
  /** What the keychain makes of a value. */
  readonly spoil?: (value: string) => string;
  /** The keychain removes nothing, as the tool of a command backend. */
  readonly keepsAll?: boolean;
  /** Somebody else is at work when the config is read anew. */
  readonly onReload?: () => void;
}

/** A daemon of this home, and what it has written down. */
function start({ lastDeed = Infinity, spoil = (value) => value, onReload, ...more }: Options = {}) {
  let deeds = 0;
  const deed = (): void => {
    deeds += 1;
    if (deeds > lastDeed) throw new Error('killed');
  };
  const provider = (kind: keyof typeof stores): Provider => {
    const store = stores[kind];
    const { delete: remove, ...others } = whole(kind, store);
    return more.keepsAll === true && kind === 'keychain' ? others : { ...others, delete: remove };
  };
  const whole = (
    kind: keyof typeof stores,
    store: Map<string, string>,
  ): Required<Pick<Provider, 'delete'>> & Provider => {
    return {
      local: true,
      locate: (name) => ({ path: name }),
      get: async ({ path }) => {
        deed();
        const value = store.get(path);
        return value === undefined ? undefined : new Secret(Buffer.from(value));
      },
      put: async ({ path }, value) => {
        deed();
        const plain = Buffer.from(value).toString();
        store.set(path, kind === 'keychain' ? spoil(plain) : plain);
        deed();
        return {};
      },
      delete: async ({ path }) => {
        deed();
        const wasThere = store.delete(path);
        deed();
        return wasThere;
      },
      list: async () => [...store.keys()].map((name) => ({ name })),
    };
  };
  let loaded = readConfig(file);
  const lines: string[] = [];
  const resolver = createResolver({
    config: () => loaded.config,
    cache: createCache({ vault: createVault(), clock: systemClock, maxEntries: 10 }),
    clock: systemClock,
    open: async (kind) => provider(kind as keyof typeof stores),
  });
  const broker = {
    paths: { config: file },
    keyring: { touch: () => undefined },
    resolver,
    audit: {
      append: async (line: Record<string, unknown>) => {
        deed();
        lines.push(
          `${String(line['event'])} ${String(line['backend'])} ${String(line['outcome'])}`,
        );
      },
    },
    get config() {
      return loaded.config;
    },
    reload: async () => {
      deed();
      loaded = readConfig(file);
      await resolver.reset();
      onReload?.();
    },
  } as unknown as Broker;
  const handlers = { ...moveHandlers(broker), ...secretHandlers(broker) };
  const context = {
    peer: peerOf(7),
    attachments: [Buffer.from('another')],
    signal: new AbortController().signal,
  } as unknown as Context;
  return {
    lines,
    deeds: () => deeds,
    move: async (to: string, name = 'TOKEN') =>
      (await handlers['secret.move']({ name, to }, context)).result,
    remove: async () => (await handlers['secret.remove']({ name: 'TOKEN' }, context)).result,
    set: async (backend: string, name = 'TOKEN') =>
      (await handlers['secret.set']({ name, backend }, context)).result,
    read: async () => {
      const plan = await resolver.plan({ kind: 'variable', name: 'TOKEN' });
      const secret = await (await resolver.provider(plan.backend)).get(plan.locator, context);
      return secret && Buffer.from(secret.bytes).toString();
    },
  };
}

describe('mcp secret mv', () => {
  test('moves the value and its entry, and writes both down', async () => {
    const { move, lines } = start();
    expect(await move('keychain')).toEqual({
      name: 'TOKEN',
      from: 'sealed',
      to: 'keychain',
      removed: true,
    });
    expect(stores).toEqual({ 'sealed-file': new Map(), keychain: new Map([['TOKEN', 'value']]) });
    expect(readFileSync(file, 'utf8')).toBe(
      text.replace('{ ttl: 1m }', '{ ttl: 1m, backend: keychain }'),
    );
    expect(lines).toEqual(['set keychain allowed', 'delete sealed allowed']);
    expect(await start().move('keychain')).toMatchObject({ removed: false });
  });

  test('that is killed anywhere loses nothing, and goes on when it is asked again', async () => {
    const whole = start();
    await whole.move('keychain');
    const count = whole.deeds();
    expect(count).toBeGreaterThan(7);
    for (let lastDeed = 0; lastDeed < count; lastDeed += 1) {
      writeFileSync(file, text);
      stores = { 'sealed-file': new Map([['TOKEN', 'value']]), keychain: new Map() };
      await expect(start({ lastDeed }).move('keychain')).rejects.toThrow('killed');
      expect(await start().read(), `after ${lastDeed}`).toBe('value');
      await start().move('keychain');
      expect(await start().read(), `after ${lastDeed}`).toBe('value');
      expect(stores['sealed-file'].size, `after ${lastDeed}`).toBe(0);
    }
  });

  test('leaves the value where it is when the other place gives another one back', async () => {
    const { move, lines, read } = start({ spoil: (value) => value.slice(1) });
    await expect(move('keychain')).rejects.toMatchObject({ code: 'ERR_CHECK_FAILED', exitCode: 1 });
    expect(await read()).toBe('value');
    expect(stores.keychain.size).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe(text);
    expect(lines).toEqual(['set keychain allowed', 'set keychain failed']);
  });

  test('overwrites no other value, and removes none that was set meanwhile', async () => {
    stores.keychain.set('TOKEN', 'of somebody');
    await expect(start().move('keychain')).rejects.toMatchObject({ code: 'ERR_USAGE' });
    expect(stores.keychain.get('TOKEN')).toBe('of somebody');
    stores.keychain.clear();
    const onReload = (): unknown => stores['sealed-file'].set('TOKEN', 'newer');
    await expect(start({ onReload }).move('keychain')).rejects.toMatchObject({
      code: 'ERR_CHECK_FAILED',
    });
    expect(stores['sealed-file'].get('TOKEN')).toBe('newer');
    expect(await start().read()).toBe('value');
  });

  test.each([
    ['a variable that has no value', 'OTHER', 'keychain', 'ERR_UNKNOWN_VARIABLE'],
    ['a backend that there is not', 'TOKEN', 'vault', 'ERR_NOT_FOUND'],
    ['what is no name', 'A=B', 'keychain', 'ERR_USAGE'],
  ])('refuses %s', async (_, name, to, code) => {
    const error: unknown = await start()
      .move(to, name)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BrokerError);
    expect(error).toMatchObject({ code, hint: expect.any(String) as string });
    expect(await start().read()).toBe('value');
  });

  test('says what a store that removes nothing cannot do, and what it still has', async () => {
    const into = start({ keepsAll: true, spoil: (value) => value.slice(1) });
    await expect(into.move('keychain')).rejects.toMatchObject({
      code: 'ERR_CHECK_FAILED',
      hint: 'TOKEN stays where it was, and what keychain took is still there; try: mcp backend test keychain',
    });
    expect(stores.keychain.get('TOKEN')).toBe('alue');
    stores.keychain.set('TOKEN', 'value');
    writeFileSync(file, text.replace('ttl: 1m', 'backend: keychain'));
    const from = start({ keepsAll: true });
    for (const removing of [from.move('sealed'), from.remove()]) {
      await expect(removing).rejects.toMatchObject({
        code: 'ERR_USAGE',
        message: 'backend keychain cannot remove a value',
      });
    }
  });

  test('refuses a field of a secret, which would take the others along', async () => {
    writeFileSync(file, text.replace('ttl: 1m', 'path: TOKEN, field: a'));
    await expect(start().move('keychain')).rejects.toMatchObject({ code: 'ERR_USAGE' });
  });

  test.each(['path: TOKEN', 'backend: sealed, path: TOKEN, field: a'])(
    'takes nothing from another variable that leads to the same item by %s',
    async (entry) => {
      writeFileSync(file, `${text}  OTHER: { ${entry} }\n`);
      await expect(start().move('keychain')).rejects.toMatchObject({
        code: 'ERR_USAGE',
        message: 'OTHER leads to the value of TOKEN as well',
      });
      expect(stores.keychain.size).toBe(0);
      // Nor where the name leads to a copy already.
      stores.keychain.set('TOKEN', 'value');
      writeFileSync(file, readFileSync(file, 'utf8').replace('ttl: 1m', 'backend: keychain'));
      expect(await start().move('keychain')).toMatchObject({ removed: false });
      expect(stores['sealed-file'].get('TOKEN')).toBe('value');
    },
  );
});

describe('mcp secret set --backend', () => {
  test('leads a new name to the backend, and one that is there already nowhere', async () => {
    expect(await start().set('keychain', 'NEW')).toMatchObject({ entry: true, created: true });
    expect(stores.keychain.get('NEW')).toBe('another');
    expect(readConfig(file).config.variables['NEW']).toEqual({ backend: 'keychain' });
    expect(await start().set('keychain', 'NEW')).not.toHaveProperty('entry');
    expect(await start().set('sealed')).not.toHaveProperty('entry');
    const before = readFileSync(file, 'utf8');
    await expect(start().set('keychain')).rejects.toMatchObject({
      code: 'ERR_USAGE',
      hint: 'to move it there: mcp secret mv TOKEN --to keychain',
    });
    expect(readFileSync(file, 'utf8')).toBe(before);
    expect(stores.keychain.has('TOKEN')).toBe(false);
  });
});
