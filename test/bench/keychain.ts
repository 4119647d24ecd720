import { createRequire } from 'node:module';
import { createKeychainHome } from '../contract/keychain-home.ts';
import { createHome } from '../contract/sealed-file-home.ts';
import { keychainNeeds, startKeychain } from '../kit/keychain.ts';
import { lacks } from '../kit/needs.ts';
import { quantile, table } from './measure.ts';

const runs = 60;
const call = { signal: new AbortController().signal };

interface Entry {
  getSecret(): Promise<number[] | null>;
}
interface Library {
  readonly AsyncEntry: new (
    service: string,
    name: string,
    options: { linux: { store: 'secret-service' } },
  ) => Entry;
}

/** Reading a value from a real gnome-keyring: the library alone, what the helper costs, and the sealed file. */
export async function keychainReads(): Promise<string> {
  if (lacks(...keychainNeeds)) return '  not measured: no gnome-keyring';
  const keychain = await startKeychain();
  // The library reads it in this process.
  process.env['DBUS_SESSION_BUS_ADDRESS'] = keychain.bus;
  const home = createKeychainHome(keychain, { bus: () => keychain.bus });
  const sealed = await createHome();
  const providers = createRequire(new URL('../../packages/providers/', import.meta.url));
  const { AsyncEntry } = providers('@napi-rs/keyring') as Library;
  try {
    for (const { provider } of [home, sealed]) {
      await provider.put?.({ path: 'TOKEN' }, Buffer.from('value'), call);
    }
    const cases = {
      'the library alone': async () =>
        new AsyncEntry(home.services.secrets, 'TOKEN', {
          linux: { store: 'secret-service' },
        }).getSecret(),
      'the same through the helper': async () =>
        home.access.get(home.services.secrets, 'TOKEN', call),
      'the backend: its names, and the value': async () =>
        home.provider.get({ path: 'TOKEN' }, call),
      'the backend, whose helper starts first': async () => {
        home.access.close();
        return home.provider.get({ path: 'TOKEN' }, call);
      },
      'the sealed file': async () => sealed.provider.get({ path: 'TOKEN' }, call),
    };
    const times = Object.values(cases).map((): number[] => []);
    for (let round = -3; round < runs; round += 1) {
      for (const [index, read] of Object.values(cases).entries()) {
        const began = performance.now();
        await read();
        if (round >= 0) times[index]?.push(performance.now() - began);
      }
    }
    const medians = times.map((each) =>
      quantile(
        each.sort((a, b) => a - b),
        0.5,
      ),
    );
    return table([
      ['', 'median', 'beside the library'],
      ...Object.keys(cases).map((name, index) => [
        name,
        `${(medians[index] ?? Number.NaN).toFixed(1)} ms`,
        `${((medians[index] ?? Number.NaN) / (medians[0] ?? Number.NaN)).toFixed(1)}×`,
      ]),
    ]);
  } finally {
    await sealed.cleanup();
    await home.cleanup();
    await keychain.remove();
  }
}
