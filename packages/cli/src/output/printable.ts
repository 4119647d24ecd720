import { isUtf8 } from 'node:buffer';

import { secretBytes } from '@mcp-broker/daemon/protocol';

import { escape } from './terminal.ts';

/** A value as a terminal may show it. */
export interface Printable {
  /** Ends in a line feed; the caller wipes it. */
  readonly bytes: Buffer;
  /** Something could not be shown as it is: it stands as `\xNN`, and the backslash as `\\`. */
  readonly escaped: boolean;
}

const lineFeed = 0x0a;
const backslash = 0x5c;

/**
 * The value in bytes that act on no terminal. Text of printable characters and line feeds stays as it is;
 * of any other value each byte of what is not printable is escaped, line feeds among them. Works on
 * bytes, since a string cannot be wiped.
 */
export function printable(value: Uint8Array): Printable {
  const isText = isUtf8(value);
  const escaped = !isText || characters(value).some(([start, end]) => !isPlain(value, start, end));
  // `\xNN` for each byte, and the line feed at the end.
  const bytes = secretBytes(value.length * (escaped ? 4 : 1) + 1);
  let length = 0;
  const put = (byte: number): void => {
    bytes[length++] = byte;
  };
  if (!escaped) {
    bytes.set(value);
    length = value.length;
  } else {
    for (const [start, end] of isText ? characters(value) : singles(value)) {
      const safe =
        isPlain(value, start, end) && value[start] !== lineFeed && value[start] !== backslash;
      for (const byte of value.subarray(start, end)) {
        if (safe) put(byte);
        else if (byte === backslash) [backslash, backslash].forEach(put);
        else
          for (const digit of `\\x${byte.toString(16).padStart(2, '0')}`) put(digit.charCodeAt(0));
      }
    }
  }
  if (length === 0 || bytes[length - 1] !== lineFeed) put(lineFeed);
  return { bytes: bytes.subarray(0, length), escaped };
}

type Span = readonly [start: number, end: number];

function singles(value: Uint8Array): Span[] {
  return Array.from(value, (_byte, index) => [index, index + 1] as const);
}

/** Where each character of UTF-8 lies. */
function characters(value: Uint8Array): Span[] {
  const starts = Array.from(value.keys()).filter((index) => ((value[index] ?? 0) & 0xc0) !== 0x80);
  return starts.map((start, index) => [start, starts[index + 1] ?? value.length] as const);
}

/** One character, which a terminal shows and does nothing else. */
function isPlain(value: Uint8Array, start: number, end: number): boolean {
  const first = value[start] ?? 0;
  if (end - start === 1) return first === lineFeed || (first >= 0x20 && first <= 0x7e);
  const character = Buffer.from(value.buffer, value.byteOffset + start, end - start).toString();
  return escape(character) === character;
}
