import { BrokerError } from '../errors.ts';
import { joinSecrets } from '../secret-bytes.ts';
import { isBase64 } from './base64.ts';
import { cutValues, DocumentError } from './scan.ts';

/** One item: its value as the base64 that stands in the file, and its other members as they came. */
export interface SealedItem {
  readonly encoded: Uint8Array;
  readonly members: ItemMembers;
}

/** Members that we do not know are kept. */
export interface ItemMembers {
  readonly version?: number;
  readonly created?: string;
  readonly updated?: string;
  readonly [name: string]: unknown;
}

/** The document of docs/sealed-file.md. The values point into the plaintext that was parsed. */
export interface SealedDocument {
  readonly items: Map<string, SealedItem>;
  /** What else stands beside `version` and `secrets`. */
  readonly members: Readonly<Record<string, unknown>>;
}

export const namePattern: RegExp = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

const timePattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/;

/** Throws `ERR_CORRUPT` that names the file and the place. */
export function parseDocument(plaintext: Uint8Array, file: string): SealedDocument {
  try {
    const { rest, values } = cutValues(plaintext);
    return check(JSON.parse(rest) as unknown, values);
  } catch (error) {
    // No cause: the error of JSON.parse quotes the text.
    const problem = error instanceof DocumentError ? error.message : 'is not valid JSON';
    throw new BrokerError('ERR_CORRUPT', `${file}: ${problem}`, {
      hint: `edit ${file} with age, as docs/sealed-file.md shows`,
      subject: file,
    });
  }
}

function check(root: unknown, values: ReadonlyMap<string, Uint8Array>): SealedDocument {
  if (!isObject(root)) throw new DocumentError('the document is not an object');
  const { version, secrets, ...members } = root;
  if (version !== 1) throw new DocumentError('version is not 1');
  if (!isObject(secrets)) throw new DocumentError('secrets is not an object');
  const items = new Map<string, SealedItem>();
  for (const [name, item] of Object.entries(secrets)) {
    items.set(name, checkItem(name, item, values.get(name)));
  }
  return { items, members };
}

function checkItem(name: string, item: unknown, encoded: Uint8Array | undefined): SealedItem {
  if (!namePattern.test(name)) {
    throw new DocumentError('secrets holds a name that is not letters, digits and _');
  }
  const place = `secrets.${name}`;
  if (!isObject(item)) throw new DocumentError(`${place} is not an object`);
  if (encoded === undefined) throw new DocumentError(`${place} has no value`);
  if (!isBase64(encoded)) throw new DocumentError(`${place}.value is not base64`);
  const { value: _cut, ...members } = item;
  const { version, created, updated } = members;
  if (version !== undefined && !(Number.isSafeInteger(version) && Number(version) > 0)) {
    throw new DocumentError(`${place}.version is not a number from 1 on`);
  }
  for (const [key, time] of Object.entries({ created, updated })) {
    if (time === undefined || (typeof time === 'string' && timePattern.test(time))) continue;
    throw new DocumentError(`${place}.${key} is not a time such as 2026-01-31T12:00:00Z`);
  }
  return { encoded, members };
}

/** The bytes to encrypt, one item a line, in memory of their own that the caller wipes. */
export function serializeDocument({ items, members }: SealedDocument): Buffer {
  const parts: Uint8Array[] = [];
  const text = (string: string): void => {
    parts.push(Buffer.from(string));
  };
  text('{\n  "version": 1,\n');
  for (const [key, member] of Object.entries(members)) {
    text(`  ${JSON.stringify(key)}: ${JSON.stringify(member)},\n`);
  }
  text('  "secrets": {');
  let separator = '\n';
  for (const [name, item] of items) {
    text(`${separator}    ${JSON.stringify(name)}: {"value": "`);
    parts.push(item.encoded);
    const rest = Object.entries(item.members).map(
      ([key, member]) => `, ${JSON.stringify(key)}: ${JSON.stringify(member)}`,
    );
    text(`"${rest.join('')}}`);
    separator = ',\n';
  }
  text(items.size === 0 ? '}\n}\n' : '\n  }\n}\n');
  return joinSecrets(parts);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
