export * from './errors.ts';
export type { CallOptions, Item, Locator, Provider } from './provider.ts';
export { replaceFile } from './durable-write.ts';
export {
  createKeychainAccess,
  type KeychainAccess,
  type KeychainContext,
} from './keychain/access.ts';
export { createKeychain, type KeychainProviderContext } from './keychain/keychain.ts';
export { keychainProblemOf, type KeychainProblem } from './keychain/problem.ts';
export { keychainServices, type KeychainServices } from './keychain/services.ts';
export { createKeychainOwnItems, type KeychainOwnItems } from './keychain/own-items.ts';
export { type OwnFileOptions, readOwnFile } from './safe-open.ts';
export { createProvider, isSupported, type ProviderContext } from './registry.ts';
export {
  createIdentityFile,
  createSecretsFile,
  createSealedFile,
  openIdentityFile,
  type IdentitySource,
  type SealedFileContext,
} from './sealed-file/sealed-file.ts';
export * from './secret-bytes.ts';
export { Secret, type SecretInfo } from './secret.ts';
