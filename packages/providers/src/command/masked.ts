import { encodeBase64 } from '../sealed-file/base64.ts';
import { secretBytes } from '../secret-bytes.ts';

/** What stands in the place of what may be a value. */
const mask = '[masked]';
/** So many characters in a row that a value has too are masked. */
const least = 5;
/** A larger value would take too long to look for. */
const mostKnown = 64 * 1024;
const mostShown = 300;

/** Words that look like a token, a key or a digest, whoever's it is: letters and digits, and no word of a language. */
const tokenLike =
  /\b(?:gh[a-z]_|github_pat_|glpat-|sk-|xox[a-z]-|AKIA|ASIA|eyJ|hvs\.|AGE-SECRET-KEY-)[\w.+/=-]*|(?=[\w+/=.-]*\d)(?=[\w+/=.-]*[A-Za-z])[\w+/=-]{16,}|\d{12,}/gu;
const escapeSequence =
  // oxlint-disable-next-line no-control-regex -- these are what a terminal would obey
  /\u001B(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\u0007\u001B]*(?:\u0007|\u001B\\)?|.)/gu;
/** `password=…`, `token: …`: what follows is taken to be one. */
const named = /\b((?:pass(?:word|phrase|wd)?|secret|token|key|pin)\s*[=:]\s*)(\S+)/giu;

/**
 * What a tool wrote to stderr, as one short line that may be shown: without the value that it printed or was
 * given (nor pieces of it, nor its base64, hex or percent-encoding), without what looks like a token, and
 * without what a terminal would obey. Undefined when nothing is left, or nothing can be shown safely.
 */
export function maskedText(text: Uint8Array, values: readonly Uint8Array[]): string | undefined {
  const known = values.filter((value) => value.length > 0);
  // Of so little the mask itself would tell, and so much is not looked for.
  if (known.some((value) => value.length < least || value.length > mostKnown)) return undefined;
  const bytes = secretBytes(text.length);
  bytes.set(text);
  const forms = known.flatMap(formsOf);
  try {
    const isSecret = marked(bytes, forms);
    const readable = printable(maskMarked(bytes, isSecret));
    const shown = readable.replaceAll(named, `$1${mask}`).replaceAll(tokenLike, mask);
    const line = shown.replaceAll(/(?:\[masked\]\s?)+/gu, `${mask} `).trim();
    const cut = line.length > mostShown ? `${line.slice(0, mostShown)}…` : line;
    return cut === '' ? undefined : cut.replace(/\.+$/u, '');
  } finally {
    bytes.fill(0);
    for (const form of forms) form.fill(0);
  }
}

/** In lower case, so that a value is found in either. */
function formsOf(value: Uint8Array): Buffer[] {
  const hex = secretBytes(2 * value.length);
  const digits = '0123456789abcdef';
  for (const [index, byte] of value.entries()) {
    hex[2 * index] = digits.charCodeAt(byte >> 4);
    hex[2 * index + 1] = digits.charCodeAt(byte & 15);
  }
  const plain = secretBytes(value.length);
  plain.set(value);
  const reversed = secretBytes(value.length);
  for (const [index, byte] of value.entries()) reversed[value.length - 1 - index] = byte;
  return [plain, reversed, hex, ...[0, 1, 2].map((at) => base64At(value, at))].map(lowered);
}

/** As it stands in the base64 of a longer text, by where it begins in a group of three. */
function base64At(value: Uint8Array, shift: number): Buffer {
  const longer = secretBytes(shift + value.length);
  longer.set(value, shift);
  const text = encodeBase64(longer);
  longer.fill(0);
  // The first characters are of what stands before it too.
  return text.subarray([0, 2, 3][shift]);
}

function lowered(bytes: Buffer): Buffer {
  for (const [index, byte] of bytes.entries()) {
    if (byte >= 0x41 && byte <= 0x5a) bytes[index] = byte | 0x20;
  }
  return bytes;
}

/** For each byte, whether it stands in a run that one of the forms has too. */
function marked(bytes: Buffer, forms: readonly Buffer[]): Uint8Array {
  const isSecret = new Uint8Array(bytes.length);
  const lower = secretBytes(bytes.length);
  lower.set(bytes);
  lowered(lower);
  for (let at = 0; at + least <= lower.length; at += 1) {
    const window = lower.subarray(at, at + least);
    if (forms.some((form) => form.includes(window))) isSecret.fill(1, at, at + least);
  }
  lower.fill(0);
  return isSecret;
}

function maskMarked(bytes: Buffer, isSecret: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length;) {
    const is = isSecret[at];
    let end = at;
    while (end < bytes.length && isSecret[end] === is) end += 1;
    text += is === 1 ? mask : bytes.toString('utf8', at, end);
    at = end;
  }
  return text;
}

/** On one line, without escape sequences, controls and what changes the order of reading. */
function printable(text: string): string {
  return text
    .replaceAll(escapeSequence, '')
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replaceAll(/[\p{Cf}\p{Co}\p{Cs}\uFFFD]/gu, '')
    .replaceAll(/ {2,}/gu, ' ')
    .trim();
}
