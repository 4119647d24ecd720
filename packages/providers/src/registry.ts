import { BrokerError } from './errors.ts';
import type { Provider } from './provider.ts';
import type { KeychainProviderContext } from './keychain/keychain.ts';
import type { SealedFileContext } from './sealed-file/sealed-file.ts';

/** What the daemon lends to the providers that it creates. */
export type ProviderContext = SealedFileContext & KeychainProviderContext;

type Load = (settings: unknown, context: ProviderContext) => Promise<Provider>;

/** Kind → how to load it. An SDK loads when a backend of its kind is first used, and never before. */
const loaders: Readonly<Record<string, Load>> = {
  keychain: async (_settings, context) => {
    const { createKeychain } = await import('./keychain/keychain.ts');
    return createKeychain(context);
  },
  'sealed-file': async (_settings, context) => {
    const { createSealedFile } = await import('./sealed-file/sealed-file.ts');
    return createSealedFile(context);
  },
};

/** This version has a provider for it. */
export function isSupported(kind: string): boolean {
  return Object.hasOwn(loaders, kind);
}

export async function createProvider(
  kind: string,
  settings: unknown,
  context: ProviderContext,
): Promise<Provider> {
  const load = Object.hasOwn(loaders, kind) ? loaders[kind] : undefined;
  if (load === undefined) {
    throw new BrokerError(
      'ERR_CONFIG',
      `backends of kind ${kind} are not supported by this version`,
      {
        hint: `supported: ${Object.keys(loaders).join(', ')}`,
      },
    );
  }
  return load(settings, context);
}
