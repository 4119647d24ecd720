const maxDepth = 32;
const space = new Set(Buffer.from(' \t\n\r'));
/** Of numbers and the three literals; what they spell is left to `JSON.parse`. */
const scalar = new Set(Buffer.from('-+.0123456789Eaeflnrstu'));
const maxScalarLength = 32;

/** What is wrong and where; never what stands there. */
export class DocumentError extends Error {}

export interface Cut {
  /** The document with every value empty. */
  readonly rest: string;
  /** Name → what stood between the quotes of `secrets.NAME.value`, as a view of the input. */
  readonly values: ReadonlyMap<string, Uint8Array>;
}

/**
 * Takes the values out of a document before any of it becomes a string: a value that was once in a
 * string cannot be wiped. It reads JSON strictly, and refuses what `JSON.parse` would silently
 * resolve: duplicate keys, `__proto__`.
 */
export function cutValues(input: Uint8Array): Cut {
  const bytes = Buffer.from(input.buffer, input.byteOffset, input.length);
  const values = new Map<string, Uint8Array>();
  const pieces: string[] = [];
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let kept = 0;
  let at = 0;

  const fail = (problem: string): never => {
    let line = 1;
    for (let index = 0; index < at && index < bytes.length; index += 1) {
      if (bytes[index] === 0x0a) line += 1;
    }
    throw new DocumentError(`line ${line}: ${problem}`);
  };
  const decode = (from: number, to: number): string => {
    try {
      return decoder.decode(bytes.subarray(from, to));
    } catch {
      return fail('not UTF-8');
    }
  };
  const skipSpace = (): void => {
    while (space.has(bytes[at] ?? 0)) at += 1;
  };
  const expect = (byte: number): void => {
    skipSpace();
    if (bytes[at] !== byte) fail(`${String.fromCharCode(byte)} expected`);
    at += 1;
  };
  /** Whether another member or element follows; takes the comma or the closing bracket. */
  const more = (close: number): boolean => {
    skipSpace();
    if (bytes[at] !== 0x2c && bytes[at] !== close) fail(', or the end expected');
    at += 1;
    return bytes[at - 1] === 0x2c;
  };
  /** Gives where the content of a string begins and ends. */
  const skipString = (): readonly [from: number, to: number] => {
    expect(0x22);
    const from = at;
    while (bytes[at] !== 0x22) {
      if (at >= bytes.length || (bytes[at] ?? 0) < 0x20) fail('a string does not end');
      at += bytes[at] === 0x5c ? 2 : 1;
    }
    at += 1;
    return [from, at - 1];
  };
  const key = (): string => {
    const [from, to] = skipString();
    const text = decode(from, to);
    if (!text.includes('\\')) return text;
    try {
      return JSON.parse(`"${text}"`) as string;
    } catch {
      return fail('a key is not valid');
    }
  };
  const cut = (name: string): void => {
    skipSpace();
    if (bytes[at] !== 0x22) fail('a value of secrets is not a string');
    const [from, to] = skipString();
    values.set(name, bytes.subarray(from, to));
    pieces.push(decode(kept, from));
    kept = to;
  };
  const object = (path: readonly string[]): void => {
    const keys = new Set<string>();
    expect(0x7b);
    skipSpace();
    if (bytes[at] === 0x7d) {
      at += 1;
      return;
    }
    do {
      const name = key();
      if (name === '__proto__') fail('a key is __proto__');
      if (keys.has(name)) fail('a key stands twice');
      keys.add(name);
      expect(0x3a);
      const [top, item] = path;
      if (top === 'secrets' && path.length === 2 && name === 'value') cut(item ?? '');
      else value([...path, name]);
    } while (more(0x7d));
  };
  const array = (path: readonly string[]): void => {
    expect(0x5b);
    skipSpace();
    if (bytes[at] === 0x5d) {
      at += 1;
      return;
    }
    do value([...path, '']);
    while (more(0x5d));
  };
  const value = (path: readonly string[]): void => {
    if (path.length > maxDepth) fail('too deep');
    skipSpace();
    if (bytes[at] === 0x7b) object(path);
    else if (bytes[at] === 0x5b) array(path);
    else if (bytes[at] === 0x22) skipString();
    else {
      const from = at;
      while (scalar.has(bytes[at] ?? 0)) at += 1;
      if (at === from || at - from > maxScalarLength) fail('not a value');
    }
  };

  value([]);
  skipSpace();
  if (at !== bytes.length) fail('something follows the document');
  pieces.push(decode(kept, bytes.length));
  return { rest: pieces.join(''), values };
}
