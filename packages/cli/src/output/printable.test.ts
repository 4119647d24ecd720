import { describe, expect, test } from 'vitest';

import { printable } from './printable.ts';

const shown = (value: string | Uint8Array): [text: string, escaped: boolean] => {
  const { bytes, escaped } = printable(Buffer.from(value));
  return [bytes.toString('latin1'), escaped];
};
const utf8 = (text: string): string => Buffer.from(text).toString('latin1');

describe('a value on a terminal', () => {
  test.each([
    ['a token', 'ghp_abc\\n$<X>', 'ghp_abc\\n$<X>\n'],
    ['letters of any script', 'pässwört 日本 🙂', `${utf8('pässwört 日本 🙂')}\n`],
    ['a key of several lines', '-----BEGIN\nkey\n-----END\n', '-----BEGIN\nkey\n-----END\n'],
    ['nothing', '', '\n'],
  ])('stands as it is: %s', (_what, value, text) => {
    expect(shown(value)).toEqual([text, false]);
  });

  test.each<[what: string, value: string | Uint8Array, text: string]>([
    ['a sequence that acts', 'a\u001b[2Jb\nc', 'a\\x1b[2Jb\\x0ac\n'],
    ['a carriage return', 'safe\rrm', 'safe\\x0drm\n'],
    ['an imitation of an escape', '\\x1b\u0007', '\\\\x1b\\x07\n'],
    ['a C1 control', '\u009b2J', '\\xc2\\x9b2J\n'],
    ['text turned around', 'a\u202eb', 'a\\xe2\\x80\\xaeb\n'],
    ['bytes that are no text', Uint8Array.of(0x61, 0xff, 0xc3, 0x62), 'a\\xff\\xc3b\n'],
    ['letters beside what is not', 'é\0', `${utf8('é')}\\x00\n`],
  ])('is escaped where it has %s', (_what, value, text) => {
    expect(shown(value)).toEqual([text, true]);
  });

  test('holds every byte there is', () => {
    const [text] = shown(Uint8Array.from({ length: 256 }, (_, index) => index));
    expect(text).toMatch(/^[\u0020-\u007e]+\n$/u);
    const back = text
      .trimEnd()
      .replaceAll(/\\(?:x(..)|\\)/gu, (_whole, hex: string | undefined) =>
        hex === undefined ? '\\' : String.fromCharCode(Number.parseInt(hex, 16)),
      );
    expect(Buffer.from(back, 'latin1')).toEqual(
      Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
    );
  });
});
