/**
 * One line as typed on a terminal in raw mode, in bytes that can be wiped. It knows backspace, Ctrl-U,
 * Ctrl-C, Ctrl-D and bracketed paste (within which a line feed is part of the text), and drops the
 * sequences of other keys. Line feeds at the end of what was pasted are not part of the line.
 */
export interface LineEditor {
  push(byte: number): Progress;
  readonly length: number;
  /** A copy, which the caller wipes. */
  take(): Buffer;
  wipe(): void;
}

export type Progress = 'more' | 'done' | 'interrupted' | 'ended' | 'full';

/** A line on a terminal may have as many bytes; what is longer comes through `--stdin`. */
export const maxLine: number = 64 * 1024;

const ctrlC = 0x03;
const ctrlD = 0x04;
const backspace = 0x08;
const tab = 0x09;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const ctrlU = 0x15;
const escapeKey = 0x1b;
const space = 0x20;
const deleteKey = 0x7f;

const pasteStarts = '200~';
const pasteEnds = '201~';

export function createLineEditor(): LineEditor {
  const buffer = Buffer.alloc(maxLine);
  let length = 0;
  let pasting = false;
  let afterReturn = false;
  /** What came of a key's sequence, or undefined outside of one. */
  let sequence: string | undefined;

  const append = (byte: number): Progress => {
    if (length === maxLine) return 'full';
    buffer[length++] = byte;
    return 'more';
  };

  const erase = (from: number): void => {
    buffer.fill(0, from, length);
    length = from;
  };

  /** Where the last character begins: UTF-8 continuation bytes belong to the byte before them. */
  const lastCharacter = (): number => {
    let start = Math.max(0, length - 1);
    while (start > 0 && ((buffer[start] ?? 0) & 0xc0) === 0x80) start--;
    return start;
  };

  const continueSequence = (before: string, byte: number): void => {
    const character = String.fromCharCode(byte);
    if (before === '') {
      // `ESC [` and `ESC O` go on; Alt with a key is two bytes, and over.
      sequence = character === '[' || character === 'O' ? character : undefined;
      return;
    }
    const whole = before + character;
    const ended = before.startsWith('O') || (byte >= 0x40 && byte <= 0x7e);
    if (whole === `[${pasteStarts}`) pasting = true;
    if (whole === `[${pasteEnds}`) pasting = false;
    sequence = ended || whole.length > 16 ? undefined : whole;
  };

  const paste = (byte: number): Progress => {
    const wasReturn = afterReturn;
    afterReturn = byte === carriageReturn;
    if (byte === carriageReturn) return append(lineFeed);
    if (byte === lineFeed) return wasReturn ? 'more' : append(lineFeed);
    return byte === tab || byte >= space ? append(byte) : 'more';
  };

  const type = (byte: number): Progress => {
    if (byte === carriageReturn || byte === lineFeed) return 'done';
    if (byte === ctrlC) return 'interrupted';
    if (byte === ctrlD) return length === 0 ? 'ended' : 'more';
    if (byte === backspace || byte === deleteKey) erase(lastCharacter());
    else if (byte === ctrlU) erase(0);
    else if (byte >= space) return append(byte);
    return 'more';
  };

  return {
    push(byte) {
      if (sequence !== undefined) {
        continueSequence(sequence, byte);
        return 'more';
      }
      if (byte === escapeKey) {
        sequence = '';
        return 'more';
      }
      return pasting ? paste(byte) : type(byte);
    },
    get length() {
      return length;
    },
    take() {
      let end = length;
      while (end > 0 && buffer[end - 1] === lineFeed) end--;
      const line = Buffer.alloc(end);
      buffer.copy(line, 0, 0, end);
      return line;
    },
    wipe() {
      erase(0);
    },
  };
}
