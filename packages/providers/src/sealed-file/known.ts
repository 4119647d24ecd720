import type { Item } from '../provider.ts';
import type { SecretInfo } from '../secret.ts';
import type { ItemMembers, SealedDocument } from './document.ts';
import type { Part } from './open-own.ts';

/**
 * What is known of a file that was read whole: enough to find a value in it again, and no value. It counts
 * for these very bytes alone, and for whoever can open them.
 */
export interface Known {
  /** SHA-256 of the encrypted file. */
  readonly digest: string;
  /** By name, in the order of names. */
  readonly items: ReadonlyMap<string, KnownItem>;
  /** The same, for a list: one array for as long as the bytes are these. */
  readonly list: readonly Item[];
}

export interface KnownItem {
  readonly item: Item;
  /** Where in the plaintext its value stands, in base64. */
  readonly part: Part;
}

/** `document` is what was parsed of `plaintext`. */
export function know(digest: string, plaintext: Uint8Array, { items }: SealedDocument): Known {
  const known = [...items].map(([name, { encoded, members }]): [string, KnownItem] => {
    const from = encoded.byteOffset - plaintext.byteOffset;
    const part = { from, to: from + encoded.length };
    return [name, { item: { name, ...infoOf(members) }, part }];
  });
  known.sort(([a], [b]) => (a < b ? -1 : 1));
  return { digest, items: new Map(known), list: known.map(([, { item }]) => item) };
}

/** An item that a person wrote by hand need not say its version: then it is the first. */
export function versionOf({ version = 1 }: ItemMembers): number {
  return version;
}

export function infoOf(members: ItemMembers): SecretInfo {
  const { created, updated } = members;
  return {
    version: String(versionOf(members)),
    ...(created === undefined ? {} : { created }),
    ...(updated === undefined ? {} : { updated }),
  };
}
